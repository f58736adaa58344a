/**
 * MC1, as its HTTP interface shows it. It is asked while a page looks at the relay, often while a session runs; the
 * list of sessions, for which MC1 counts rows, only when one begins or ends.
 */
import { Problem } from '@svyaz/stage'
import { keep, type RelayNow, type RelayPicture, type RelaySession } from '../../protocol.ts'
import { limits } from './limits.ts'
import { noCourse, withLook } from './relay-points.ts'
import { type Answer, ask, pause } from './requests.ts'

export interface Relay {
  picture(): RelayPicture
  /** Asks MC1 at once: somebody began to look, or has just started or stopped a session. */
  look(): void
  /** MC1's own answer. @throws Problem 503 when there is no MC1 or it doesn't answer */
  command(what: 'start' | 'stop'): Promise<Answer>
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** The relay loop as the page shows it: MC1 is looked at only while a page watches. */
export function createRelay(parts: {
  /** http://host:port of MC1; undefined: this system has none. */
  readonly url: string | undefined
  watched(): boolean
  changed(picture: RelayPicture): void
}): Relay {
  const { url, watched } = parts
  let state: RelayPicture['state'] = url === undefined ? 'absent' : 'unknown'
  let now: RelayNow | undefined
  let course = noCourse
  let sessions: readonly RelaySession[] = []
  /** Of what the list of sessions was made. */
  let listedAs = ''
  let waiting = new AbortController()

  const picture = (): RelayPicture => ({ state, ...(now ? { now } : {}), points: course.points, sessions })

  const read = async <T>(path: string, signal: AbortSignal): Promise<T> => {
    const { status, text } = await ask({ url: url ?? '' }, { path, signal, timeoutMs: limits.relayTimeoutMs })
    if (status !== 200) throw new Error(`MC1 answered ${status} to ${path}`)
    return JSON.parse(text) as T
  }

  const once = async (signal: AbortSignal): Promise<void> => {
    const before = JSON.stringify(picture())
    try {
      now = await read<RelayNow>('/now', signal)
      state = 'there'
      course = withLook(course, now)
      const as = `${now.latestSession} ${now.session?.status ?? 'over'}`
      if (as !== listedAs) {
        sessions = (await read<RelaySession[]>('/sessions', signal)).slice(0, keep.relaySessions)
        listedAs = as
      }
    } catch {
      if (signal.aborted) return
      state = 'away'
      // It may come back with its session interrupted.
      listedAs = ''
    }
    if (JSON.stringify(picture()) !== before) parts.changed(picture())
  }

  return {
    picture,
    look: () => waiting.abort(),
    async command(what) {
      if (url === undefined) throw new Problem(503, 'no_relay', 'this console was told of no MC1')
      try {
        return await ask({ url }, { path: `/${what}/`, timeoutMs: limits.relayCommandTimeoutMs })
      } catch {
        throw new Problem(503, 'unavailable', 'MC1 does not answer')
      } finally {
        waiting.abort()
      }
    },
    async run(signal) {
      while (url !== undefined && !signal.aborted) {
        if (watched()) await once(signal)
        const everyMs = !watched() ? limits.relayUnwatchedMs : now?.session ? limits.relayRunningMs : limits.relayIdleMs
        waiting = new AbortController()
        await pause(everyMs, AbortSignal.any([waiting.signal, signal])).catch(() => undefined)
      }
    },
  }
}
