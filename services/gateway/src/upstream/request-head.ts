/** The head of a request to a service, as HTTP/1.1 writes it (RFC 9112, 3 and 5). Pure. */
import { Failure } from '@svyaz/kit'
import type { RequestBody } from '../request-body.ts'

export interface UpstreamRequest {
  method: string
  /** With the query. */
  path: string
  /** Names in lower case and values, flat; what frames the message is written here, `content-length` of a stream is believed. */
  headers: readonly string[]
  body: RequestBody
}

export interface RequestHead {
  /** In latin1, with the empty line at its end. */
  readonly text: string
  /** Of a body that is streamed: its bytes, or undefined where it is written in chunks. */
  readonly streamBytes: number | undefined
  /** Whether the connection may carry another request afterwards. */
  readonly reusable: boolean
}

/** Of these a body is expected: without one they say so, and one with another method may confuse a service. */
const withBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

const methodToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const badPath = /[^\x21-\x7e\x80-\xff]/
/** Above 0xff a character would be written as another one: U+010A as LF. */
const badValue = /[^\t\x20-\x7e\x80-\xff]/
const nameToken = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const written: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
])

type Verdict = 'field' | 'length' | 'refused'
/** Bounded: a client may invent names without end. */
const judged = new Map<string, Verdict>()
const judgedMax = 1_000

const verdictOn = (name: string): Verdict => {
  const known = judged.get(name)
  if (known !== undefined) return known
  const verdict =
    name === 'content-length' ? 'length' : nameToken.test(name) && !written.has(name) ? 'field' : 'refused'
  if (judged.size < judgedMax) judged.set(name, verdict)
  return verdict
}

/**
 * Writes the head; the framing is made from the body that there is, not from what the headers claim.
 *
 * @param authority `host:port` of the instance
 * @throws Failure `invalid_request` when a service could read something else out of it than was meant
 */
export const requestHead = ({ method, path, headers, body }: UpstreamRequest, authority: string): RequestHead => {
  if (!methodToken.test(method) || method === 'CONNECT' || path.charCodeAt(0) !== 0x2f || badPath.test(path))
    throw refused('the request line')
  let fields = ''
  let length: string | undefined
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    const value = headers[at + 1]!
    const verdict = verdictOn(name)
    if (verdict === 'refused' || badValue.test(value)) throw refused(name)
    if (verdict === 'field') fields += `${name}: ${value}\r\n`
    else if (length !== undefined || !/^\d{1,15}$/.test(value)) throw refused(name)
    else length = value
  }
  const reusable = method !== 'HEAD' && (body.kind === 'none' || withBody.has(method))
  const connection = reusable ? 'keep-alive' : 'close'
  const framing = framingOf(method, body, length)
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\nconnection: ${connection}\r\n${fields}${framing}\r\n`
  return {
    text,
    streamBytes: body.kind === 'stream' && length !== undefined ? Number(length) : undefined,
    reusable,
  }
}

const framingOf = (method: string, body: RequestBody, length: string | undefined): string => {
  if (body.kind === 'bytes') return `content-length: ${body.bytes.length}\r\n`
  if (body.kind === 'none') return withBody.has(method) ? 'content-length: 0\r\n' : ''
  return length === undefined ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`
}

const refused = (what: string): Failure =>
  new Failure('invalid_request', 'the request cannot be passed on', { cause: new Error(`not well formed: ${what}`) })
