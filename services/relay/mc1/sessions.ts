/** Starts and stops sessions, one at a time, and says how far the running one is. Read `running-session.ts` next. */
import { type RelayMessage, relayLimits } from '@svyaz/contracts/events/relay.ts'
import type { RelayNow, RelaySession } from '@svyaz/contracts/http/relay.ts'
import { type Context, Failure } from '@svyaz/kit'
import { limits, type Settings } from './config.ts'
import type { HopRing } from './hops.ts'
import { endLines, startLine } from './report.ts'
import { type RelayMeters, type RunningParts, RunningSession, relayMeters } from './running-session.ts'
import type { RelayStorage } from './storage.ts'

export interface SessionsParts {
  readonly storage: Pick<RelayStorage, 'begin' | 'finish'>
  /** The highest session number that was given before. */
  readonly latest: number
  send(frames: readonly string[]): void
  print(line: string): void
}

/** Starts and ends sessions: one at a time, each with its number. */
export class Sessions {
  readonly #context: Context<Settings>
  readonly #parts: SessionsParts
  readonly #meters: RelayMeters
  #latest: number
  #starting = false
  #running: RunningSession | undefined
  #hops: HopRing | undefined

  constructor(context: Context<Settings>, parts: SessionsParts) {
    this.#context = context
    this.#parts = parts
    this.#meters = relayMeters(context)
    this.#latest = parts.latest
  }

  /** @throws Failure('conflict') while one runs; 'unavailable' without the database */
  async start(): Promise<RelaySession> {
    if (this.#running || this.#starting) throw new Failure('conflict', 'a session is running')
    this.#starting = true
    try {
      const settings = this.#context.settings.current()
      const begun = await this.#parts.storage.begin(settings, this.#context.clock.iso())
      this.#latest = begun.session.sessionId
      const running = new RunningSession(this.#context, this.#partsOfOne(), {
        ...begun,
        messagesPerSecond: settings.messagesPerSecond,
      })
      this.#running = running
      this.#hops = running.hops
      this.#parts.print(startLine(begun.session))
      running.goOn()
      return running.view()
    } finally {
      this.#starting = false
    }
  }

  /** Ends it early. Gives it closed, or as far as it is after `stopWaitMs`. @throws Failure('conflict') when none runs */
  async stop(): Promise<RelaySession> {
    const running = this.#running
    if (!running) throw new Failure('conflict', 'no session is running')
    running.end()
    const waited = new AbortController()
    const view = () => running.view()
    const late = this.#context.clock.delay(limits.stopWaitMs, waited.signal).then(view, view)
    const session = await Promise.race([running.ended, late])
    waited.abort()
    return session
  }

  /** The running one, as of now. */
  current(): RelaySession | undefined {
    return this.#running?.view()
  }

  /** The highest session number that was ever given. */
  latest(): number {
    return this.#latest
  }

  /** How the latest messages went, of the running session or of the last one since MC1 started. */
  hops(): Pick<RelayNow, 'hops' | 'latest'> {
    return { hops: this.#hops?.spread() ?? null, latest: this.#hops?.latest(relayLimits.latestShown) ?? [] }
  }

  /** These messages are committed, this many µs after their end stamp. */
  stored(messages: readonly RelayMessage[], commitMicros: number): void {
    this.#running?.stored(messages, commitMicros)
  }

  /** There is a new way to MC2: everything unconfirmed is sent again. */
  wayIsOpen(): void {
    this.#running?.sendAgain()
  }

  #partsOfOne(): RunningParts {
    return {
      storage: this.#parts.storage,
      meters: this.#meters,
      send: (frames) => this.#parts.send(frames),
      closed: (session) => {
        this.#running = undefined
        for (const line of endLines(session)) this.#parts.print(line)
      },
    }
  }
}
