/**
 * One client connection. Requests are started in the order they come and answered in that order; many may be under way
 * at once, so that pipelined produce requests share a sync. A request that has to wait for other clients is hurried
 * when an ordinary one arrives behind it: on a client's only connection a long poll would hold up its heartbeats.
 */
import type { Socket } from 'node:net'
import type { ConnectionTable } from '@svyaz/listener'
import type { Api } from '../apis/api.ts'
import type { Broker } from '../broker.ts'
import type { Logger } from '../logger.ts'
import { MalformedMessage } from '../protocol/bytes.ts'
import { dispatch } from './dispatch.ts'
import type { FrameBudget } from './frame-budget.ts'
import { Frames, FrameTooLarge } from './frames.ts'
import type { Traffic } from './traffic.ts'

interface Pending {
  readonly hurry: AbortController | null
  /** Undefined until the answer is there; null when none is wanted. */
  answer: readonly Buffer[] | null | undefined
}

/** What all connections share. */
export interface Shared {
  readonly traffic: Traffic
  readonly logger: Logger
  readonly table: ConnectionTable<Socket>
  readonly budget: FrameBudget<Connection>
}

export class Connection {
  readonly #broker: Broker
  readonly #socket: Socket
  readonly #traffic: Traffic
  readonly #logger: Logger
  readonly #table: ConnectionTable<Socket>
  readonly #budget: FrameBudget<Connection>
  readonly #frames: Frames
  readonly #openedAt = performance.now()
  readonly #peer: string
  readonly #host: string
  /** In the order of arrival. */
  readonly #pending: Pending[] = []
  #draining = false
  #paused = false
  /** No request was read yet. */
  #silent = true
  /** When the frame began that isn't complete; when it got memory of the budget; whether it waits for that. */
  #frameSince: number | undefined
  #heldSince = 0
  #waitsForMemory = false

  constructor(broker: Broker, socket: Socket, { traffic, logger, table, budget }: Shared) {
    this.#broker = broker
    this.#socket = socket
    this.#traffic = traffic
    this.#logger = logger
    this.#table = table
    this.#budget = budget
    this.#frames = new Frames(Math.min(broker.limits.firstRequestBytesMax, broker.limits.requestBytesMax))
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
        this.#frameSince = undefined
        this.#giveMemory()
        this.#start(frame)
      }
      if (this.#frames.isPartial) this.#collect()
    } catch (error) {
      if (error instanceof FrameTooLarge) this.#refuse('frame size', error.message)
      else if (error instanceof MalformedMessage) this.#refuse('malformed request', error.message)
      else this.#fail(error)
    }
    this.#pauseIfFull()
  }

  /** A frame has begun. A large one needs memory before more of it is read. */
  #collect(): void {
    this.#frameSince ??= performance.now()
    const { announced } = this.#frames
    if (announced < this.#broker.limits.arrivingFrameBytesMin || this.#budget.holds(this)) return
    this.#heldSince = performance.now()
    this.#waitsForMemory = !this.#budget.take(this, announced)
  }

  #giveMemory(): void {
    for (const next of this.#budget.give(this)) next.#goOn()
  }

  #goOn(): void {
    this.#waitsForMemory = false
    this.#heldSince = performance.now()
    this.#resumeIfRoom()
  }

  /** Closes it when its client has been too slow. `now`: monotonic ms. */
  check(now: number): void {
    const { contendedFrameMsMax, frameMsMax, firstRequestMsMax } = this.#broker.limits
    if (this.#budget.isShort && this.#budget.holds(this) && now - this.#heldSince > contendedFrameMsMax)
      return this.#refuse('slow frame', `others waited ${contendedFrameMsMax} ms for the memory of its frame`)
    // What isn't read can't arrive.
    if (this.#paused) return
    if (this.#frameSince !== undefined && now - this.#frameSince > frameMsMax)
      return this.#refuse('slow frame', `a frame took more than ${frameMsMax} ms`)
    if (this.#silent && now - this.#openedAt > firstRequestMsMax)
      this.#refuse('no request', `no first request within ${firstRequestMsMax} ms`)
  }

  #start(frame: Buffer): void {
    const startedAt = performance.now()
    const hurry = new AbortController()
    const { api, answer } = dispatch(this.#broker, this.#host, frame, hurry.signal)
    if (this.#silent) {
      this.#silent = false
      this.#frames.allow(this.#broker.limits.requestBytesMax)
    }
    this.#table.began(this.#socket)
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
    this.#table.ended(this.#socket)
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
    if (this.#paused || !(this.#waitsForMemory || this.#isFull())) return
    this.#paused = true
    this.#socket.pause()
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#draining || this.#waitsForMemory || this.#isFull()) return
    this.#paused = false
    if (this.#frameSince !== undefined) this.#frameSince = performance.now()
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
    this.#giveMemory()
  }
}
