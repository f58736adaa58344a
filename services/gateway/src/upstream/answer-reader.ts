/**
 * Answers of services on a connection (RFC 9112), from bytes to a head and a body. Pure: it holds no socket and no clock.
 *
 * It is stricter than the specification asks of a client. Whatever two readers could understand differently is refused,
 * because an answer whose end is in doubt would make its rest the answer to somebody else: two lengths, a length beside a
 * coding, any coding but chunked, folded fields, bare CR or LF, blanks before a colon. What is merely odd is taken, and
 * the connection isn't used again.
 */
import type { Fields } from '../headers.ts'

/** What is not an answer, or not certainly one. Nothing more may be read from its connection. */
export class AnswerFault extends Error {}

/** Gets an answer as it comes. What it throws goes through to whoever called {@link AnswerReader.read}. */
export interface AnswerTaker {
  /** The final head; 1xx were dropped. Names are in lower case. */
  head(status: number, fields: Fields): void
  /** Bytes of the body, in memory that is the reader's: they hold until this returns. */
  data(bytes: Buffer): void
  /** The answer is whole. `last`, if any, is the rest of the body, with the same reservation. */
  end(last: Buffer | undefined): void
}

export interface AnswerLimits {
  /** Of a head, and of all trailers together. */
  readonly headBytesMax: number
  /** A size of a chunk with its extensions. */
  readonly chunkLineBytesMax: number
  /** 1xx before one answer. */
  readonly interimMax: number
}

const framingFields: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

type State = 'resting' | 'head' | 'length' | 'size' | 'chunk' | 'after-chunk' | 'trailers' | 'until-close'

const CR = 0x0d
const LF = 0x0a
const endOfHead = Buffer.from('\r\n\r\n')

export class AnswerReader {
  readonly #limits: AnswerLimits
  #state: State = 'resting'
  #taker: AnswerTaker | undefined
  #toHead = false
  #interim = 0
  /** Bytes of the body, or of this chunk, that have not come yet. */
  #left = 0
  /** A line or head that came in pieces. */
  #held: Buffer | undefined
  #heldBytes = 0
  #trailerBytes = 0
  /** The stretch of the bytes at hand that is body. */
  #from = 0
  #to = 0
  #reusable = false
  #keptMs: number | undefined

  constructor(limits: AnswerLimits) {
    this.#limits = limits
  }

  /** Whether a request may follow on the connection of the last answer. */
  get reusable(): boolean {
    return this.#reusable
  }

  /** How long the service says that it keeps the connection, ms (`Keep-Alive: timeout`); undefined: it doesn't say. */
  get keptMs(): number | undefined {
    return this.#keptMs
  }

  /** A request was sent: what comes next answers it. Only after the last answer has ended. */
  expect(method: string, taker: AnswerTaker): void {
    this.#state = 'head'
    this.#taker = taker
    this.#toHead = method === 'HEAD'
    this.#interim = 0
    this.#heldBytes = 0
    this.#trailerBytes = 0
    this.#reusable = true
    this.#keptMs = undefined
  }

  /**
   * Takes what came. The bytes may be changed on the way: those of several chunks are moved together.
   *
   * @throws AnswerFault
   */
  read(bytes: Buffer): void {
    this.#from = 0
    this.#to = 0
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at)
          break
        case 'length':
        case 'chunk':
          at = this.#readBody(bytes, at)
          break
        case 'size':
        case 'after-chunk':
        case 'trailers':
          at = this.#readLine(bytes, at)
          break
        case 'until-close':
          this.#take(bytes, at, bytes.length)
          at = bytes.length
          break
        case 'resting':
          // Behind the end of an answer: it is nobody's, and what follows it might be taken for the next answer.
          this.#reusable = false
          return
      }
    }
    if (this.#to > this.#from) this.#taker?.data(bytes.subarray(this.#from, this.#to))
  }

  /** The service has closed its side. @throws AnswerFault in the middle of an answer */
  ended(): void {
    this.#reusable = false
    if (this.#state === 'resting') return
    if (this.#state !== 'until-close') throw new AnswerFault('the connection ended within an answer')
    this.#rest()?.end(undefined)
  }

  #rest(): AnswerTaker | undefined {
    const taker = this.#taker
    this.#state = 'resting'
    this.#taker = undefined
    return taker
  }

  /** @param at where the next byte is that doesn't belong to the answer */
  #end(bytes: Buffer, at: number): void {
    if (at < bytes.length) this.#reusable = false
    const last = this.#to > this.#from ? bytes.subarray(this.#from, this.#to) : undefined
    this.#to = this.#from
    this.#rest()?.end(last)
  }

  /** Body: joined with what the same bytes gave already. */
  #take(bytes: Buffer, from: number, to: number): void {
    if (this.#to === this.#from) {
      this.#from = from
      this.#to = to
      return
    }
    if (from !== this.#to) bytes.copyWithin(this.#to, from, to)
    this.#to += to - from
  }

  #readBody(bytes: Buffer, at: number): number {
    const to = Math.min(bytes.length, at + this.#left)
    this.#take(bytes, at, to)
    this.#left -= to - at
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'after-chunk'
      else this.#end(bytes, to)
    }
    return to
  }

  #readHead(bytes: Buffer, at: number): number {
    const { headBytesMax } = this.#limits
    if (this.#heldBytes === 0) {
      const end = bytes.indexOf(endOfHead, at)
      if (end !== -1) {
        if (end - at > headBytesMax) throw new AnswerFault('the head is too large')
        return this.#takeHead(bytes, bytes.toString('latin1', at, end), end + 4)
      }
    }
    const heldBefore = this.#heldBytes
    const held = this.#hold(bytes, at, headBytesMax + endOfHead.length)
    const end = held.subarray(0, this.#heldBytes).indexOf(endOfHead, Math.max(0, heldBefore - 3))
    if (end !== -1) {
      this.#heldBytes = 0
      return this.#takeHead(bytes, held.toString('latin1', 0, end), at + end + 4 - heldBefore)
    }
    // Otherwise a service that ends its lines by LF alone would be waited for in vain.
    checkBegun(held, heldBefore, this.#heldBytes)
    if (this.#heldBytes === held.length) throw new AnswerFault('the head is too large')
    return bytes.length
  }

  /** Adds bytes to what is held, as many as there is room for. */
  #hold(bytes: Buffer, at: number, room: number): Buffer {
    this.#held ??= Buffer.allocUnsafeSlow(room)
    this.#heldBytes += bytes.copy(this.#held, this.#heldBytes, at)
    return this.#held
  }

  /** @param at behind the head. @returns where reading goes on */
  #takeHead(bytes: Buffer, text: string, at: number): number {
    const head = headOf(text)
    if (head.status < 200) {
      checkInterim(head)
      if (++this.#interim > this.#limits.interimMax) throw new AnswerFault('too many 1xx')
      return at
    }
    const framing = framingOf(head, this.#toHead)
    this.#reusable = head.version === '1' && !closes(head.fields.connection) && framing.reusable
    this.#keptMs = keptMsOf(head.fields['keep-alive'])
    this.#state = framing.kind === 'none' ? 'length' : framing.kind
    this.#left = framing.kind === 'length' ? framing.bytes : 0
    this.#taker?.head(head.status, head.fields)
    if (this.#state === 'length' && this.#left === 0) this.#end(bytes, at)
    return at
  }

  /** A size, what follows a chunk, or a trailer: up to CRLF. */
  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at)
    const { chunkLineBytesMax, headBytesMax } = this.#limits
    const lineMax = this.#state === 'trailers' ? headBytesMax : chunkLineBytesMax
    const stop = end === -1 ? bytes.length : end + 1
    if (this.#heldBytes + stop - at > lineMax) throw new AnswerFault('a line within the body is too long')
    let line: string
    if (this.#heldBytes > 0 || end === -1) {
      const held = this.#hold(bytes.subarray(0, stop), at, headBytesMax + endOfHead.length)
      if (end === -1) return stop
      line = held.toString('latin1', 0, this.#heldBytes)
      this.#heldBytes = 0
    } else line = bytes.toString('latin1', at, stop)
    if (!line.endsWith('\r\n')) throw new AnswerFault('a line within the body ends by LF alone')
    this.#takeLine(bytes, line, stop)
    return stop
  }

  #takeLine(bytes: Buffer, line: string, at: number): void {
    if (this.#state === 'after-chunk') {
      if (line !== '\r\n') throw new AnswerFault('a chunk is longer than its size')
      this.#state = 'size'
    } else if (this.#state === 'size') {
      this.#left = chunkSizeOf(line)
      this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    } else if (line === '\r\n') this.#end(bytes, at)
    else {
      this.#trailerBytes += line.length
      if (this.#trailerBytes > this.#limits.headBytesMax) throw new AnswerFault('the trailers are too large')
      // It says where the body ends, which has ended (RFC 9110, 6.5.1).
      if (framingFields.has(fieldOf(line, 0, line.length - 2).name))
        throw new AnswerFault('a trailer that frames the body')
    }
  }
}

/** A head that isn't whole yet: what it can't be any more. */
const checkBegun = (held: Buffer, from: number, to: number): void => {
  for (let at = Math.max(1, from); at < to; at++)
    if ((held[at] === LF) !== (held[at - 1] === CR)) throw new AnswerFault('CR and LF don’t go together in the head')
  const begun = held.toString('latin1', 0, Math.min(to, beginning.length))
  if (!beginning.startsWith(begun)) throw new AnswerFault('this is not HTTP/1')
}
const beginning = 'HTTP/1.'

interface Head {
  readonly version: '0' | '1'
  readonly status: number
  readonly fields: Record<string, string | string[] | undefined>
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/

/** @param text without the empty line at its end */
const headOf = (text: string): Head => {
  const lineEnd = text.indexOf('\r\n')
  const line = statusLine.exec(lineEnd === -1 ? text : text.slice(0, lineEnd))
  if (line === null) throw new AnswerFault('the status line is not one of HTTP/1')
  // Without a prototype: a service may name its fields as it likes.
  const fields: Head['fields'] = Object.create(null)
  let end = lineEnd
  while (end !== -1) {
    const at = end + 2
    end = text.indexOf('\r\n', at)
    const { name, value } = fieldOf(text, at, end === -1 ? text.length : end)
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (typeof before !== 'string') before.push(value)
    // Its names may come on several lines, and are looked at as one list.
    else if (name === 'connection') fields[name] = `${before}, ${value}`
    else fields[name] = [before, value]
  }
  return { version: line[1] as Head['version'], status: Number(line[2]), fields }
}

const badValue = /[^\t\x20-\x7e\x80-\xff]/

const fieldOf = (text: string, from: number, to: number): { name: string; value: string } => {
  const colon = text.indexOf(':', from)
  if (colon === -1 || colon >= to) throw new AnswerFault('a header field without a colon')
  const name = nameOf(text.slice(from, colon))
  let start = colon + 1
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  const value = text.slice(start, end)
  if (badValue.test(value)) throw new AnswerFault('a header field with control characters')
  return { name, value }
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** Raw spelling → lower case. Bounded: a service may invent names without end. */
const names = new Map<string, string>()
const namesMax = 1_000
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const nameOf = (raw: string): string => {
  const known = names.get(raw)
  if (known !== undefined) return known
  // A folded line begins with a blank, and so is none either (RFC 9112, 5.2).
  if (!token.test(raw)) throw new AnswerFault('the name of a header field is not one')
  const name = raw.toLowerCase()
  if (names.size < namesMax) names.set(raw, name)
  return name
}

/** It has no body (RFC 9112, 6.3), so what says where one ends would be believed by another reader alone. */
const checkInterim = ({ status, fields }: Head): void => {
  if (status === 101) throw new AnswerFault('101, which nobody asked for')
  if (fields['content-length'] !== undefined || fields['transfer-encoding'] !== undefined)
    throw new AnswerFault('1xx with a body')
  if (closes(fields.connection)) throw new AnswerFault('1xx that says that nothing follows it')
}

type Framing =
  | { readonly kind: 'none' | 'size' | 'until-close'; readonly reusable: boolean }
  | { readonly kind: 'length'; readonly bytes: number; readonly reusable: boolean }

/** Where the body ends (RFC 9112, 6.3). */
const framingOf = ({ version, status, fields }: Head, toHead: boolean): Framing => {
  const { 'content-length': length, 'transfer-encoding': coding } = fields
  if (length !== undefined && (typeof length !== 'string' || !/^\d{1,15}$/.test(length)))
    throw new AnswerFault('Content-Length is not one number')
  if (length !== undefined && coding !== undefined) throw new AnswerFault('Content-Length beside Transfer-Encoding')
  if (coding !== undefined && (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked'))
    throw new AnswerFault('a transfer coding other than chunked')
  if (coding !== undefined && version === '0') throw new AnswerFault('HTTP/1.0 has no Transfer-Encoding')
  const bytes = Number(length ?? 0)
  // There is none; but a service that is wrong about it sends it nevertheless, and it would be the next answer.
  if (toHead) return { kind: 'none', reusable: false }
  if (status === 204 || status === 304) return { kind: 'none', reusable: bytes === 0 && coding === undefined }
  if (coding !== undefined) return { kind: 'size', reusable: true }
  if (length !== undefined) return { kind: 'length', bytes, reusable: true }
  return { kind: 'until-close', reusable: false }
}

const closes = (connection: Fields[string]): boolean =>
  typeof connection === 'string' && connection.length > 0 && /(?:^|[,\s])close(?:$|[,\s])/i.test(connection)

const keptMsOf = (keepAlive: Fields[string]): number | undefined => {
  const seconds = typeof keepAlive === 'string' ? /(?:^|[,\s])timeout=(\d{1,9})/i.exec(keepAlive)?.[1] : undefined
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

/** Extensions mean nothing here (RFC 9112, 7.1.1), but have to be well formed: a name, and a token or a string. */
const sizeLine =
  /^([0-9A-Fa-f]{1,12})(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]*"))?)*\r\n$/

const chunkSizeOf = (line: string): number => {
  const size = sizeLine.exec(line)?.[1]
  if (size === undefined) throw new AnswerFault('the size of a chunk is not a number')
  return Number.parseInt(size, 16)
}
