/**
 * One session while it runs: keeps `inFlight` messages under way, sends again what a broken way may have lost, and closes
 * when its time is over and everything is back. The decisions are in loop.ts.
 */
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import type { Context, OpenSpan } from '@svyaz/kit'
import { formatMicros } from '../message.ts'
import { limits, type Settings } from './config.ts'
import { createHopRing, type HopRing, hopsOf } from './hops.ts'
import { confirm, due, fill, generated, isOver, type Loop, openLoop } from './loop.ts'
import type { RelayStorage } from './storage.ts'

interface Kept {
  frame: string
  span: OpenSpan
}

export interface RunningParts {
  readonly storage: Pick<RelayStorage, 'finish'>
  readonly meters: RelayMeters
  /** Writes frames at once; what is written while there is no socket is lost, and sent again with the next one. */
  send(frames: readonly string[]): void
  /** It is over, as it is stored now: another one may begin. */
  closed(session: RelaySession): void
}

/** A session as the database has just begun it. */
export interface Begun {
  readonly session: RelaySession
  readonly firstId: number
  /** 0: as fast as they come back. */
  readonly messagesPerSecond: number
}

export type RelayMeters = ReturnType<typeof relayMeters>

/** What is counted of all sessions. */
export const relayMeters = ({ metrics }: Pick<Context<unknown>, 'metrics'>) => ({
  made: metrics.counter('svyaz_relay_generated_total', 'Messages that MC1 made'),
  resent: metrics.counter('svyaz_relay_resent_total', 'Messages that MC1 sent again'),
  seconds: metrics.histogram('svyaz_relay_hop_seconds', 'From stamp to stamp', ['hop']),
})

export class RunningSession {
  readonly hops: HopRing = createHopRing(limits.hopsKept)
  readonly #context: Context<Settings>
  readonly #parts: RunningParts
  readonly #session: RelaySession
  readonly #loop: Loop<Kept>
  readonly #messagesPerSecond: number
  readonly #startedMs: number
  readonly #ended = Promise.withResolvers<RelaySession>()
  readonly #timer: NodeJS.Timeout
  /** Wakes a paced session; without a pace nothing waits for a timer. */
  readonly #pace: NodeJS.Timeout | undefined
  #confirmed = 0
  #closing = false

  /** It makes nothing before `goOn`. */
  constructor(context: Context<Settings>, parts: RunningParts, { session, firstId, messagesPerSecond }: Begun) {
    this.#context = context
    this.#parts = parts
    this.#session = session
    this.#loop = openLoop({ sessionId: session.sessionId, firstId, inFlight: session.inFlight })
    this.#messagesPerSecond = messagesPerSecond
    this.#startedMs = context.clock.monotonic()
    this.#pace = messagesPerSecond > 0 ? setInterval(() => this.goOn(), 1) : undefined
    this.#timer = setTimeout(() => this.end(), session.intervalSeconds * 1_000)
  }

  /** When it is closed. */
  get ended(): Promise<RelaySession> {
    return this.#ended.promise
  }

  /** As of now. */
  view(): RelaySession {
    const durationSeconds = this.#elapsedMs() / 1_000
    return {
      ...this.#session,
      status: this.#loop.making ? 'running' : 'stopping',
      durationSeconds,
      generated: generated(this.#loop),
      stored: this.#confirmed,
      unconfirmed: this.#loop.unconfirmed.size,
      messagesPerSecond: durationSeconds > 0 ? this.#confirmed / durationSeconds : 0,
      hops: this.hops.read(),
    }
  }

  /** Makes what may be made now, and sends it. */
  goOn(): void {
    const most = due(this.#loop, this.#elapsedMs(), this.#messagesPerSecond)
    const fresh = fill(this.#loop, (message) => this.#make(message), most)
    if (fresh.length > 0) {
      this.#parts.meters.made.inc({}, fresh.length)
      // Without a socket they wait: a new one begins with all that is unconfirmed.
      this.#parts.send(fresh.map((kept) => kept.frame))
    }
    if (isOver(this.#loop)) void this.#close()
  }

  /** Nothing is made from now on; it closes when everything is back. */
  end(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#pace)
    this.#loop.making = false
    this.goOn()
  }

  /** These messages are committed, this many µs after their end stamp. */
  stored(messages: readonly RelayMessage[], commitMicros: number): void {
    for (const message of messages) {
      const kept = confirm(this.#loop, message)
      if (!kept) continue
      kept.span.end()
      this.#confirmed += 1
      const hops = hopsOf(message)
      if (!hops) continue
      this.hops.add(message.id, hops, commitMicros)
      this.#parts.meters.seconds.observe((hops[3] ?? 0) / 1_000_000, { hop: 'total' })
    }
    this.goOn()
  }

  /** There is a new way to MC2: everything unconfirmed is sent again. */
  sendAgain(): void {
    const again = [...this.#loop.unconfirmed.values()]
    if (again.length === 0) return
    this.#parts.meters.resent.inc({}, again.length)
    this.#context.log.info({ messages: again.length }, 'sent again on a new socket')
    this.#parts.send(again.map((kept) => kept.frame))
  }

  #make(message: RelayMessage): Kept {
    const { clock, tracer } = this.#context
    const span = tracer.open('relay cycle', {
      kind: 'producer',
      root: true,
      attributes: { 'svyaz.relay.id': message.id, 'svyaz.relay.session_id': message.session_id },
    })
    message.MC1_timestamp = formatMicros(clock.micros())
    const envelope = JSON.stringify({ traceparent: span.traceparent, message })
    const { payloadBytes } = this.#session
    return { span, frame: payloadBytes > 0 ? envelope + ' '.repeat(payloadBytes) : envelope }
  }

  #elapsedMs(): number {
    return this.#context.clock.monotonic() - this.#startedMs
  }

  /** Until the database has it. */
  async #close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    const { clock, log } = this.#context
    const { sessionId } = this.#loop
    const endedAt = clock.iso()
    for (;;) {
      try {
        const session = await this.#parts.storage.finish(sessionId, generated(this.#loop), endedAt)
        this.#parts.closed(session)
        return this.#ended.resolve(session)
      } catch (error) {
        log.warn({ err: error, sessionId }, 'the end of a session could not be written yet')
        await clock.delay(limits.reconnectMsMax)
      }
    }
  }
}
