/**
 * One client connection. Requests are started in the order they come and answered in that order; many may be under way
 * at once, so that pipelined produce requests share a sync. A request that has to wait for other clients is hurried
 * when an ordinary one arrives behind it: on a client's only connection a long poll would hold up its heartbeats.
 */
import type { Socket } from 'node:net'
import type { Api } from '../apis/api.ts'
import type { Broker } from '../broker.ts'
import type { Logger } from '../logger.ts'
import { MalformedMessage } from '../protocol/bytes.ts'
import { dispatch } from './dispatch.ts'
import { Frames, FrameTooLarge } from './frames.ts'
import type { Traffic } from './traffic.ts'

interface Pending {
  readonly hurry: AbortController | null
  /** Undefined until the answer is there; null when none is wanted. */
  answer: readonly Buffer[] | null | undefined
}

export class Connection {
  readonly #broker: Broker
  readonly #socket: Socket
  readonly #traffic: Traffic
  readonly #logger: Logger
  readonly #frames: Frames
  readonly #peer: string
  readonly #host: string
  /** In the order of arrival. */
  readonly #pending: Pending[] = []
  #draining = false
  #paused = false

  constructor(broker: Broker, socket: Socket, traffic: Traffic, logger: Logger) {
    this.#broker = broker
    this.#socket = socket
    this.#traffic = traffic
    this.#logger = logger
    this.#frames = new Frames(broker.limits.requestBytesMax)
    this.#peer = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
    this.#host = `/${socket.remoteAddress ?? 'unknown'}`
    socket.setNoDelay(true)
    socket.setTimeout(broker.limits.idleConnectionMs, () => {
      if (this.#pending.length === 0) this.#refuse('idle', `no request for ${broker.limits.idleConnectionMs} ms`)
    })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('drain', () => this.#resumeIfRoom())
    socket.on('error', (error) => logger.debug('connection error', { peer: this.#peer, error: error.message }))
    socket.on('close', () => this.#end())
  }

  /** Takes no more requests; closes when those under way are answered. Fetches that wait answer at once. */
  drain(): void {
    this.#draining = true
    for (const { hurry } of this.#pending) hurry?.abort()
    this.#closeIfDrained()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#draining) return
    this.#traffic.bytesIn += chunk.length
    try {
      for (const frame of this.#frames.push(chunk)) {
        if (this.#socket.destroyed) return
        this.#start(frame)
      }
    } catch (error) {
      if (error instanceof FrameTooLarge) this.#refuse('frame size', error.message)
      else if (error instanceof MalformedMessage) this.#refuse('malformed request', error.message)
      else this.#fail(error)
    }
    this.#pauseIfFull()
  }

  #start(frame: Buffer): void {
    const startedAt = performance.now()
    const hurry = new AbortController()
    const { api, answer } = dispatch(this.#broker, this.#host, frame, hurry.signal)
    if (api.scheduling === 'inline') for (const waiting of this.#pending) waiting.hurry?.abort()
    const pending: Pending = { hurry: api.scheduling === 'parked' ? hurry : null, answer: undefined }
    this.#pending.push(pending)
    answer.then(
      (parts) => {
        pending.answer = parts
        this.#answered(api, performance.now() - startedAt)
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #answered(api: Api, ms: number): void {
    this.#traffic.answered(api, ms)
    if (this.#socket.destroyed) return
    this.#socket.cork()
    for (let head = this.#pending[0]; head !== undefined && head.answer !== undefined; head = this.#pending[0]) {
      this.#pending.shift()
      for (const part of head.answer ?? []) {
        this.#traffic.bytesOut += part.length
        this.#socket.write(part)
      }
    }
    this.#socket.uncork()
    this.#resumeIfRoom()
    this.#closeIfDrained()
  }

  #isFull(): boolean {
    const { inFlightPerConnectionMax, unsentBytesPerConnectionMax } = this.#broker.limits
    return (
      this.#pending.length >= inFlightPerConnectionMax || this.#socket.writableLength >= unsentBytesPerConnectionMax
    )
  }

  #pauseIfFull(): void {
    if (this.#paused || !this.#isFull()) return
    this.#paused = true
    this.#socket.pause()
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#draining || this.#isFull()) return
    this.#paused = false
    this.#socket.resume()
  }

  #closeIfDrained(): void {
    if (this.#draining && this.#pending.length === 0) this.#socket.destroySoon()
  }

  /** The client broke a rule. Nobody else notices. */
  #refuse(rule: string, reason: string): void {
    if (this.#socket.destroyed) return
    this.#traffic.closed(rule)
    this.#logger.warn('connection closed', { peer: this.#peer, rule, reason })
    this.#socket.destroy()
  }

  /** We broke a rule: the client gets no answer rather than a wrong one. */
  #fail(error: unknown): void {
    this.#traffic.closed('internal error')
    const { stack, message } = error instanceof Error ? error : { stack: undefined, message: String(error) }
    this.#logger.error('request failed', { peer: this.#peer, error: stack ?? message })
    this.#socket.destroy()
  }

  #end(): void {
    for (const { hurry } of this.#pending) hurry?.abort()
    this.#pending.length = 0
  }
}
