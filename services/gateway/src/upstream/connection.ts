/** One kept connection to one instance, with at most one request on it at a time. */
import { connect, type Socket } from 'node:net'
import { Failure } from '@svyaz/kit'
import type { Fields } from '../headers.ts'
import type { BodyFlow } from '../request-body.ts'
import { type AnswerLimits, AnswerReader, type AnswerTaker } from './answer-reader.ts'
import { BodyWriter } from './body-writer.ts'
import { BodyBroke, type Call, clientGone, type Holder } from './call.ts'

export interface ConnectionLimits extends AnswerLimits {
  readonly connectMs: number
  /** How long it may rest. */
  readonly keepAliveMs: number
  /** The longest silence within the body of an answer. */
  readonly bodySilenceMs: number
  /** How long a client may leave an answer unread that is on its way. */
  readonly unreadMsMax: number
}

/** Whose connection it is. */
export interface Owner {
  readonly limits: ConnectionLimits
  /** Monotonic ms. */
  now(): number
  /** It can take a request. */
  free(connection: Connection): void
  /** It is no more. Called once. */
  closed(connection: Connection): void
}

/**
 * What is read lands here, for all connections: whoever keeps bytes copies them before the next read. Memory of its own
 * for each read costs more than the copies do.
 */
const readBytes = Buffer.allocUnsafeSlow(64 * 1024)

/** Sooner than the service by this much, for the way there. */
const keepAliveMarginMs = 1_000

export class Connection implements AnswerTaker, Holder {
  readonly #owner: Owner
  readonly #socket: Socket
  readonly #reader: AnswerReader
  readonly #connectTimer: NodeJS.Timeout
  #call: Call | undefined
  #flow: BodyFlow | undefined
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #requestWhole = true
  #paused = false
  /** When something was read last, or it began to rest; monotonic ms. */
  #lastAt = 0
  #restsMs = 0

  /** Connects at once. */
  constructor(address: { host: string; port: number }, owner: Owner) {
    this.#owner = owner
    this.#reader = new AnswerReader(owner.limits)
    const onread = { buffer: readBytes, callback: (count: number) => this.#read(count) }
    const kept = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
    this.#socket = connect({ ...address, ...kept, onread })
    this.#socket.once('connect', () => this.#opened())
    this.#socket.on('drain', () => this.#flow?.resume())
    this.#socket.once('end', () => this.#ended())
    this.#socket.on('error', (error) => this.#break(error))
    this.#socket.once('close', () => this.#break(new Error('the connection was closed')))
    const late = () => this.#break(new Error(`no connection within ${owner.limits.connectMs} ms`))
    this.#connectTimer = setTimeout(late, owner.limits.connectMs)
  }

  /** Whether a request may be written: it is open, nothing is on it, and the service still keeps it. */
  usable(now: number): boolean {
    return this.#state === 'open' && this.#call === undefined && now - this.#lastAt < this.#restsMs
  }

  /** Takes a request, at once or when it is connected. */
  begin(call: Call): void {
    call.holder = this
    this.#call = call
    if (this.#state === 'open') this.#send(call)
  }

  /** The call is over for whoever asked; a connection with half an exchange on it is of no use to anybody. */
  letGo(call: Call): void {
    if (this.#call !== call) return
    if (this.#state === 'connecting') this.#call = undefined
    else this.#close()
  }

  /** Ends a connection that has rested long enough, or whose answer has fallen silent. */
  sweep(now: number): void {
    if (this.#state !== 'open') return
    const silentMs = now - this.#lastAt
    if (this.#call === undefined) {
      if (silentMs >= this.#restsMs) this.#close()
      return
    }
    if (this.#readsForNobody(this.#call)) return
    const { bodySilenceMs, unreadMsMax } = this.#owner.limits
    if (this.#paused) {
      // It would keep the connection from everybody else. No fault of the instance.
      if (silentMs >= unreadMsMax)
        this.#break(new BodyBroke(new Failure('deadline_exceeded', 'the client does not read its answer')))
    } else if (this.#call.headPassed && silentMs >= bodySilenceMs)
      this.#break(new Error(`the answer has been silent for ${bodySilenceMs} ms`))
  }

  /** Whatever is on it fails. */
  destroy(): void {
    this.#break(new Error('the gateway stops'))
  }

  head(status: number, fields: Fields): void {
    this.#call?.begin(status, fields)
  }

  data(bytes: Buffer): void {
    const call = this.#call
    if (call === undefined) return
    const { receiver } = call
    const goesOn = receiver.write(Buffer.from(bytes))
    if (this.#readsForNobody(call) || goesOn) return
    this.#paused = true
    receiver.once('drain', () => this.#drained(call))
  }

  end(last: Buffer | undefined): void {
    const call = this.#call
    if (call === undefined) return
    call.end(last)
    if (this.#state !== 'open') return
    this.#call = undefined
    this.#paused = false
    this.#stopFlow()
    const { limits, now } = this.#owner
    const keptMs = (this.#reader.keptMs ?? Number.POSITIVE_INFINITY) - keepAliveMarginMs
    this.#restsMs = Math.min(limits.keepAliveMs, keptMs)
    this.#lastAt = now()
    // An answer before the end of its request: what is left of that would be the beginning of the next one.
    const reusable = this.#reader.reusable && call.head.reusable && this.#requestWhole && this.#restsMs > 0
    if (reusable) this.#owner.free(this)
    else this.#close()
  }

  #opened(): void {
    if (this.#state !== 'connecting') return
    clearTimeout(this.#connectTimer)
    this.#state = 'open'
    this.#lastAt = this.#owner.now()
    this.#restsMs = this.#owner.limits.keepAliveMs
    if (this.#call === undefined) this.#owner.free(this)
    else this.#send(this.#call)
  }

  #send(call: Call): void {
    const { head, body, method } = call
    this.#reader.expect(method, this)
    if (body.kind === 'bytes') {
      this.#socket.cork()
      this.#socket.write(head.text, 'latin1')
      this.#socket.write(body.bytes)
      this.#socket.uncork()
      return
    }
    this.#socket.write(head.text, 'latin1')
    if (body.kind === 'none') return
    this.#requestWhole = false
    const over = (failure: Failure | undefined) => {
      if (this.#call !== call) return
      if (failure === undefined) this.#requestWhole = true
      else this.#break(new BodyBroke(failure))
    }
    this.#flow = body.flow(new BodyWriter(this.#socket, head.streamBytes, over))
    // It may have broken with its first bytes.
    if (this.#call !== call) this.#stopFlow()
  }

  /** @returns false: nothing more is read until it is resumed */
  #read(count: number): boolean {
    if (this.#call === undefined) {
      // Bytes that nobody asked for: they would be the answer to the next request.
      this.#close()
      return false
    }
    this.#lastAt = this.#owner.now()
    try {
      this.#reader.read(readBytes.subarray(0, count))
    } catch (error) {
      this.#break(error)
    }
    return this.#state === 'open' && !this.#paused
  }

  /**
   * Breaks an answer off that nobody takes any more: its reader may have left while the call, which others share, goes
   * on. Looked at with each piece, and now and then while none comes. No fault of the instance.
   */
  #readsForNobody({ headPassed, receiver }: Call): boolean {
    if (!headPassed || !receiver.destroyed) return false
    this.#break(new BodyBroke(clientGone()))
    return true
  }

  #drained(call: Call): void {
    if (this.#call !== call || !this.#paused) return
    this.#paused = false
    this.#lastAt = this.#owner.now()
    this.#socket.resume()
  }

  #ended(): void {
    try {
      this.#reader.ended()
    } catch (error) {
      this.#break(error)
    }
    this.#close()
  }

  #break(error: unknown): void {
    const call = this.#call
    const reached = this.#state === 'open'
    this.#close()
    call?.fail(error, reached)
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#call = undefined
    clearTimeout(this.#connectTimer)
    this.#stopFlow()
    this.#socket.destroy()
    this.#owner.closed(this)
  }

  #stopFlow(): void {
    this.#flow?.stop()
    this.#flow = undefined
  }
}
