/**
 * Membership in a consumer group, for as long as the service runs: one session after the other, each until it breaks, with
 * a pause that grows while they break early. What a session is, the transport knows.
 */
import type { Core } from '../core.ts'
import { backOffMs } from '../database/back-off.ts'
import { aborted } from '../process/waiting.ts'
import type { Consumption } from './transport.ts'

/** A session that held for so long was a good one: whatever broke it is told, and counted from the start. */
const goodSessionMs = 30_000

/** One consumption of a group, from its beginning until it is lost. */
export interface GroupSession {
  /** Joins. @throws whatever keeps it from that; then the session is closed */
  open(): Promise<void>
  /** Rejects when the session is of no more use. */
  readonly broken: Promise<never>
  /** Ends what runs within that many milliseconds, and leaves. */
  close(drainMs: number): Promise<void>
}

export class Membership implements Consumption {
  readonly #core: Core
  readonly #newSession: () => GroupSession
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  readonly #usualDrainMs: number
  #drainMs = 0

  /** @param drainMs how long a session that broke may take to end what runs */
  constructor(core: Core, newSession: () => GroupSession, drainMs: number) {
    this.#core = core
    this.#newSession = newSession
    this.#usualDrainMs = drainMs
    this.#running = this.#run()
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#drainMs = deadlineMs
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log, random } = this.#core
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      const session = this.#newSession()
      const beganAt = clock.monotonic()
      try {
        await session.open()
        await Promise.race([session.broken, aborted(signal)])
      } catch (error) {
        failures = clock.monotonic() - beganAt > goodSessionMs ? 1 : failures + 1
        if (failures === 1 && !signal.aborted) log.warn({ error: String(error) }, 'the consumer is rebuilt')
      }
      await session.close(signal.aborted ? this.#drainMs : this.#usualDrainMs)
      if (signal.aborted) return
      await clock.delay(backOffMs(failures, 100, 1_000, random), signal).catch(() => undefined)
    }
  }
}
