/**
 * What users said of an access token, kept for a while: at most 30 s (R3.1), a refusal only briefly, and dropped at
 * once when its user is blocked. Keys are hashes: no token is in memory longer than its request.
 */
import { hash } from 'node:crypto'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { Failure } from '@svyaz/kit'

export interface SignedIn {
  userId: string
  roles: readonly Role[]
  /** The login that the token comes from, where the provider names it. */
  sessionId?: string | undefined
  /** Monotonic ms of this process, so that no clock that is set, here or at the provider, moves it. */
  tokenEndsAt: number
}

/** The identity provider's word on a token: undefined means not active. Throws Failure when it could not be asked. */
export type Introspect = (token: string) => Promise<SignedIn | undefined>

export interface IntrospectionBounds {
  keptMs: number
  refusedKeptMs: number
  entriesMax: number
  refusedEntriesMax: number
  atOnceMax: number
}

export interface IntrospectionCache {
  /** The user of this token, or undefined when it is no good. Never an old answer in place of none. */
  userOf(token: string): Promise<SignedIn | undefined> | SignedIn | undefined
  /** The user was blocked: nothing that was said of them before holds. */
  drop(userId: string): void
  size(): number
}

type Served = 'hit' | 'refused-hit' | 'joined' | 'asked'

interface Asking {
  answer: Promise<SignedIn | undefined>
  /** Who was blocked while the question was under way: an answer about them may be older than that. */
  blocked: Set<string>
}

/** Who a token belongs to, asked at users and remembered for a while; a question that is under way is shared. */
export const createIntrospectionCache = (
  introspect: Introspect,
  bounds: IntrospectionBounds,
  /** Monotonic ms. */
  now: () => number,
  count: (served: Served) => void = () => undefined,
): IntrospectionCache => {
  const good = new Map<string, { user: SignedIn; until: number }>()
  const refused = new Map<string, number>()
  const asking = new Map<string, Asking>()
  const keysOf = new Map<string, Set<string>>()

  const forget = (key: string) => {
    const entry = good.get(key)
    if (entry === undefined) return
    good.delete(key)
    const keys = keysOf.get(entry.user.userId)
    keys?.delete(key)
    if (keys?.size === 0) keysOf.delete(entry.user.userId)
  }

  const keep = (key: string, user: SignedIn) => {
    forget(key)
    if (good.size >= bounds.entriesMax) forget(good.keys().next().value!)
    good.set(key, { user, until: Math.min(now() + bounds.keptMs, user.tokenEndsAt) })
    const keys = keysOf.get(user.userId) ?? new Set()
    keysOf.set(user.userId, keys.add(key))
  }

  const keepRefused = (key: string) => {
    refused.delete(key)
    if (refused.size >= bounds.refusedEntriesMax) refused.delete(refused.keys().next().value!)
    refused.set(key, now() + bounds.refusedKeptMs)
  }

  const ask = async (key: string, token: string, state: Asking): Promise<SignedIn | undefined> => {
    try {
      let user: SignedIn | undefined
      do {
        state.blocked.clear()
        user = await introspect(token)
        // Blocked meanwhile: what was said may be from before, so it is asked again.
      } while (user !== undefined && state.blocked.has(user.userId))
      if (user === undefined || user.tokenEndsAt <= now()) {
        keepRefused(key)
        return undefined
      }
      keep(key, user)
      return user
    } finally {
      asking.delete(key)
    }
  }

  return {
    userOf(token) {
      const key = hash('sha256', token, 'base64url')
      const known = good.get(key)
      if (known !== undefined) {
        if (now() < known.until) {
          count('hit')
          return known.user
        }
        forget(key)
      }
      const refusedUntil = refused.get(key)
      if (refusedUntil !== undefined) {
        if (now() < refusedUntil) {
          count('refused-hit')
          return undefined
        }
        refused.delete(key)
      }
      const underWay = asking.get(key)
      if (underWay !== undefined) {
        count('joined')
        return underWay.answer
      }
      if (asking.size >= bounds.atOnceMax)
        throw new Failure('unavailable', 'too many tokens are being checked', { retryAfterSeconds: 1 })
      count('asked')
      const state: Asking = { answer: Promise.resolve(undefined), blocked: new Set() }
      asking.set(key, state)
      state.answer = ask(key, token, state)
      return state.answer
    },
    drop(userId) {
      for (const state of asking.values()) state.blocked.add(userId)
      for (const key of [...(keysOf.get(userId) ?? [])]) forget(key)
    },
    size: () => good.size,
  }
}
