/**
 * MC1, as its HTTP interface shows it. It is asked while a page looks at the relay, often while a session runs; the
 * list of sessions, for which MC1 counts rows, only when one begins or ends.
 */
import { Problem } from '@svyaz/stage'
import { keep, type RelayNow, type RelayPicture, type RelaySession } from '../../protocol.ts'
import { limits } from './limits.ts'
import { type Course, noCourse, withLook } from './relay-points.ts'
import { type Answer, ask, pause } from './requests.ts'

export interface RelayOptions {
  /** http://host:port of MC1; undefined: this system has none. */
  readonly url: string | undefined
  watched(): boolean
  changed(picture: RelayPicture): void
}

/** The relay loop as the page shows it: MC1 is looked at only while a page watches. */
export class Relay {
  readonly #options: RelayOptions
  #state: RelayPicture['state']
  #now: RelayNow | undefined
  #course: Course = noCourse
  #sessions: readonly RelaySession[] = []
  /** Of what the list of sessions was made. */
  #listedAs = ''
  #waiting = new AbortController()

  constructor(options: RelayOptions) {
    this.#options = options
    this.#state = options.url === undefined ? 'absent' : 'unknown'
  }

  picture(): RelayPicture {
    const now = this.#now
    return { state: this.#state, ...(now ? { now } : {}), points: this.#course.points, sessions: this.#sessions }
  }

  /** Asks MC1 at once: somebody began to look, or has just started or stopped a session. */
  look(): void {
    this.#waiting.abort()
  }

  /** MC1's own answer. @throws Problem 503 when there is no MC1 or it doesn't answer */
  async command(what: 'start' | 'stop'): Promise<Answer> {
    const { url } = this.#options
    if (url === undefined) throw new Problem(503, 'no_relay', 'this console was told of no MC1')
    try {
      return await ask({ url }, { path: `/${what}/`, timeoutMs: limits.relayCommandTimeoutMs })
    } catch {
      throw new Problem(503, 'unavailable', 'MC1 does not answer')
    } finally {
      this.look()
    }
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { url } = this.#options
    while (url !== undefined && !signal.aborted) {
      if (this.#options.watched()) await this.#ask(url, signal)
      this.#waiting = new AbortController()
      await pause(this.#everyMs(), AbortSignal.any([this.#waiting.signal, signal])).catch(() => undefined)
    }
  }

  #everyMs(): number {
    if (!this.#options.watched()) return limits.relayUnwatchedMs
    return this.#now?.session ? limits.relayRunningMs : limits.relayIdleMs
  }

  async #ask(url: string, signal: AbortSignal): Promise<void> {
    const before = JSON.stringify(this.picture())
    try {
      const now = await read<RelayNow>(url, '/now', signal)
      this.#now = now
      this.#state = 'there'
      this.#course = withLook(this.#course, now)
      const as = `${now.latestSession} ${now.session?.status ?? 'over'}`
      if (as !== this.#listedAs) {
        this.#sessions = (await read<RelaySession[]>(url, '/sessions', signal)).slice(0, keep.relaySessions)
        this.#listedAs = as
      }
    } catch {
      if (signal.aborted) return
      this.#state = 'away'
      // It may come back with its session interrupted.
      this.#listedAs = ''
    }
    const picture = this.picture()
    if (JSON.stringify(picture) !== before) this.#options.changed(picture)
  }
}

/** @throws Error for any answer but 200; Unreachable */
async function read<T>(url: string, path: string, signal: AbortSignal): Promise<T> {
  const { status, text } = await ask({ url }, { path, signal, timeoutMs: limits.relayTimeoutMs })
  if (status !== 200) throw new Error(`MC1 answered ${status} to ${path}`)
  return JSON.parse(text) as T
}
