/** What outlives its request (WebSockets, server-sent events): bounded, and ended when its user's token is no good any more. */
import { Failure } from '@svyaz/kit'
import { Places } from '@svyaz/listener'
import type { SignedIn } from './introspection.ts'

export type EndReason = 'blocked' | 'signed-out' | 'expired' | 'going-away'

export interface Sessions {
  /**
   * The release is to be called at the end.
   *
   * @param address the client's, as limits count it
   * @throws Failure `unavailable` or `too_many_requests` when there are too many
   */
  open(user: SignedIn, address: string, end: (reason: EndReason) => void): () => void
  /** All of the user's, or those of one login. */
  endOf(userId: string, reason: EndReason, sessionId?: string): void
  /** Resolves when the last one was released; callers bound the wait. */
  endAll(): Promise<void>
  size(): number
}

/** The longest that a timer of Node's can wait. */
const timerMsMax = 2 ** 31 - 1

/** `now`: monotonic ms, as `tokenEndsAt`. */
interface Entry {
  end: (reason: EndReason) => void
  sessionId: string | undefined
}

/**
 * Long answers and sockets that are open, bounded in all, for each client address and for each user.
 * @param now ms on the monotonic clock
 */
export const createSessions = (
  bounds: { atOnceMax: number; perAddressMax: number; perUserMax: number },
  now: () => number,
): Sessions => {
  const places = new Places(bounds.atOnceMax, bounds.perAddressMax)
  const byUser = new Map<string, Set<Entry>>()
  let last: () => void = () => undefined
  let closed = false

  return {
    size: () => places.size,
    open(user, address, end) {
      const own = byUser.get(user.userId) ?? new Set<Entry>()
      if (own.size >= bounds.perUserMax)
        throw new Failure('too_many_requests', `at most ${bounds.perUserMax} such connections per user`, {
          retryAfterSeconds: 1,
        })
      const release = closed ? 'all' : places.take(address)
      if (release === 'all')
        throw new Failure('unavailable', 'no more of these connections right now', { retryAfterSeconds: 1 })
      if (release === 'own')
        throw new Failure('too_many_requests', `at most ${bounds.perAddressMax} such connections per address`, {
          retryAfterSeconds: 1,
        })
      const entry: Entry = { end, sessionId: user.sessionId }
      byUser.set(user.userId, own.add(entry))
      const leftMs = user.tokenEndsAt - now()
      const timer = leftMs <= timerMsMax ? setTimeout(() => end('expired'), Math.max(0, leftMs)) : undefined
      return () => {
        if (!own.delete(entry)) return
        clearTimeout(timer)
        if (own.size === 0 && byUser.get(user.userId) === own) byUser.delete(user.userId)
        release()
        if (places.size === 0) last()
      }
    },
    endOf(userId, reason, sessionId) {
      for (const entry of [...(byUser.get(userId) ?? [])])
        if (sessionId === undefined || entry.sessionId === undefined || entry.sessionId === sessionId) entry.end(reason)
    },
    async endAll() {
      closed = true
      if (places.size === 0) return
      const released = new Promise<void>((resolve) => {
        last = resolve
      })
      for (const own of [...byUser.values()]) for (const { end } of [...own]) end('going-away')
      await released
    },
  }
}
