/**
 * Runs sessions: starts one, keeps `inFlight` messages under way, sends again what a broken way may have lost, and closes
 * the session when its time is over and everything is back. The decisions are in loop.ts.
 */
import { type RelayMessage, relayLimits } from '@svyaz/contracts/events/relay.ts'
import type { RelayNow, RelaySession } from '@svyaz/contracts/http/relay.ts'
import { type Context, Failure, type OpenSpan } from '@svyaz/kit'
import { formatMicros } from '../message.ts'
import { limits, type Settings } from './config.ts'
import { createHopRing, type HopRing, hopsOf } from './hops.ts'
import { confirm, fill, generated, isOver, type Loop, openLoop } from './loop.ts'
import { endLines, startLine } from './report.ts'
import type { RelayStorage } from './storage.ts'

interface Kept {
  frame: string
  span: OpenSpan
}

interface Running {
  session: RelaySession
  loop: Loop<Kept>
  hops: HopRing
  confirmed: number
  closing: boolean
  messagesPerSecond: number
  /** Wakes a paced session; without a pace nothing waits for a timer. */
  pace: NodeJS.Timeout | undefined
  startedMs: number
  ended: PromiseWithResolvers<RelaySession>
  timer: NodeJS.Timeout
}

export interface Sessions {
  start(): Promise<RelaySession>
  /** Ends it early; resolves when it is closed, or with how far it is after `stopWaitMs`. */
  stop(): Promise<RelaySession>
  /** The running one, as of now. */
  current(): RelaySession | undefined
  /** The highest session number that was ever given. */
  latest(): number
  /** How the latest messages went, of the running session or of the last one since MC1 started. */
  hops(): Pick<RelayNow, 'hops' | 'latest'>
  /** These messages are committed, this many µs after their end stamp. */
  stored(messages: readonly RelayMessage[], commitMicros: number): void
  /** There is a new way to MC2: everything unconfirmed is sent again. */
  wayIsOpen(): void
}

/** Starts and ends sessions: one at a time, each with its number. */
export const createSessions = (
  context: Context<Settings>,
  parts: {
    storage: RelayStorage
    latest: number
    send: (frames: readonly string[]) => boolean
    print: (line: string) => void
  },
): Sessions => {
  const { clock, tracer, log } = context
  const { storage, send, print } = parts
  let running: Running | undefined
  let starting = false
  let { latest } = parts
  let ring: HopRing | undefined
  const made = context.metrics.counter('svyaz_relay_generated_total', 'Messages that MC1 made')
  const resent = context.metrics.counter('svyaz_relay_resent_total', 'Messages that MC1 sent again')
  const seconds = context.metrics.histogram('svyaz_relay_hop_seconds', 'From stamp to stamp', ['hop'])

  const make = (message: RelayMessage, payloadBytes: number): Kept => {
    const span = tracer.open('relay cycle', {
      kind: 'producer',
      root: true,
      attributes: { 'svyaz.relay.id': message.id, 'svyaz.relay.session_id': message.session_id },
    })
    message.MC1_timestamp = formatMicros(clock.micros())
    const envelope = JSON.stringify({ traceparent: span.traceparent, message })
    return { span, frame: payloadBytes > 0 ? envelope + ' '.repeat(payloadBytes) : envelope }
  }

  /** How many messages may be made now: as many as there is room for, or as many as the pace has come to. */
  const due = (of: Running): number =>
    of.messagesPerSecond === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(((clock.monotonic() - of.startedMs) / 1_000) * of.messagesPerSecond) - generated(of.loop)

  const goOn = (of: Running) => {
    const fresh = fill(of.loop, (message) => make(message, of.session.payloadBytes), due(of))
    if (fresh.length > 0) {
      made.inc({}, fresh.length)
      // Without a socket they wait: a new one begins with all that is unconfirmed.
      send(fresh.map((kept) => kept.frame))
    }
    if (isOver(of.loop)) void close(of)
  }

  const end = (of: Running) => {
    clearTimeout(of.timer)
    clearInterval(of.pace)
    of.loop.making = false
    goOn(of)
  }

  const close = async (of: Running) => {
    if (of.closing) return
    of.closing = true
    const endedAt = clock.iso()
    for (;;) {
      try {
        const session = await storage.finish(of.loop.sessionId, generated(of.loop), endedAt)
        running = undefined
        for (const line of endLines(session)) print(line)
        return of.ended.resolve(session)
      } catch (error) {
        log.warn({ err: error, sessionId: of.loop.sessionId }, 'the end of a session could not be written yet')
        await clock.delay(limits.reconnectMsMax)
      }
    }
  }

  const view = (of: Running): RelaySession => {
    const durationSeconds = (clock.monotonic() - of.startedMs) / 1_000
    return {
      ...of.session,
      status: of.loop.making ? 'running' : 'stopping',
      durationSeconds,
      generated: generated(of.loop),
      stored: of.confirmed,
      unconfirmed: of.loop.unconfirmed.size,
      messagesPerSecond: durationSeconds > 0 ? of.confirmed / durationSeconds : 0,
      hops: of.hops.read(),
    }
  }

  return {
    async start() {
      if (running || starting) throw new Failure('conflict', 'a session is running')
      starting = true
      try {
        const settings = context.settings.current()
        const { session, firstId } = await storage.begin(settings, clock.iso())
        const { sessionId, inFlight } = session
        latest = sessionId
        ring = createHopRing(limits.hopsKept)
        const started: Running = {
          session,
          loop: openLoop({ sessionId, firstId, inFlight }),
          hops: ring,
          confirmed: 0,
          closing: false,
          messagesPerSecond: settings.messagesPerSecond,
          pace: settings.messagesPerSecond > 0 ? setInterval(() => goOn(started), 1) : undefined,
          startedMs: clock.monotonic(),
          ended: Promise.withResolvers(),
          timer: setTimeout(() => end(started), settings.intervalSeconds * 1_000),
        }
        running = started
        print(startLine(session))
        goOn(started)
        return view(started)
      } finally {
        starting = false
      }
    },
    async stop() {
      const of = running
      if (!of) throw new Failure('conflict', 'no session is running')
      end(of)
      const waited = new AbortController()
      const late = clock.delay(limits.stopWaitMs, waited.signal).then(
        () => view(of),
        () => view(of),
      )
      const session = await Promise.race([of.ended.promise, late])
      waited.abort()
      return session
    },
    current: () => running && view(running),
    latest: () => latest,
    hops: () => ({ hops: ring?.spread() ?? null, latest: ring?.latest(relayLimits.latestShown) ?? [] }),
    stored(messages, commitMicros) {
      const of = running
      if (!of) return
      for (const message of messages) {
        const kept = confirm(of.loop, message)
        if (!kept) continue
        kept.span.end()
        of.confirmed += 1
        const hops = hopsOf(message)
        if (!hops) continue
        of.hops.add(message.id, hops, commitMicros)
        seconds.observe((hops[3] ?? 0) / 1_000_000, { hop: 'total' })
      }
      goOn(of)
    },
    wayIsOpen() {
      if (!running) return
      const again = [...running.loop.unconfirmed.values()]
      if (again.length === 0) return
      resent.inc({}, again.length)
      log.info({ messages: again.length }, 'sent again on a new socket')
      send(again.map((kept) => kept.frame))
    },
  }
}
