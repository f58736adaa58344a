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

type Served = 'hit' | 'refused-hit' | 'joined' | 'asked'

interface Asking {
  answer: Promise<SignedIn | undefined>
  /** Who was blocked while the question was under way: an answer about them may be older than that. */
  blocked: Set<string>
}

/** Who a token belongs to, asked at users and remembered for a while; a question that is under way is shared. */
export class IntrospectionCache {
  readonly #introspect: Introspect
  readonly #bounds: IntrospectionBounds
  readonly #now: () => number
  readonly #count: (served: Served) => void
  readonly #good = new Map<string, { user: SignedIn; until: number }>()
  readonly #refused = new Map<string, number>()
  readonly #asking = new Map<string, Asking>()
  readonly #keysOf = new Map<string, Set<string>>()

  /** @param now monotonic ms */
  constructor(
    introspect: Introspect,
    bounds: IntrospectionBounds,
    now: () => number,
    count: (served: Served) => void = () => undefined,
  ) {
    this.#introspect = introspect
    this.#bounds = bounds
    this.#now = now
    this.#count = count
  }

  get size(): number {
    return this.#good.size
  }

  /** The user of this token, or undefined when it is no good. Never an old answer in place of none. */
  userOf(token: string): Promise<SignedIn | undefined> | SignedIn | undefined {
    const key = hash('sha256', token, 'base64url')
    const known = this.#good.get(key)
    if (known !== undefined) {
      if (this.#now() < known.until) {
        this.#count('hit')
        return known.user
      }
      this.#forget(key)
    }
    const refusedUntil = this.#refused.get(key)
    if (refusedUntil !== undefined) {
      if (this.#now() < refusedUntil) {
        this.#count('refused-hit')
        return undefined
      }
      this.#refused.delete(key)
    }
    return this.#askTogether(key, token)
  }

  /** The user was blocked: nothing that was said of them before holds. */
  drop(userId: string): void {
    for (const state of this.#asking.values()) state.blocked.add(userId)
    for (const key of [...(this.#keysOf.get(userId) ?? [])]) this.#forget(key)
  }

  #askTogether(key: string, token: string): Promise<SignedIn | undefined> {
    const underWay = this.#asking.get(key)
    if (underWay !== undefined) {
      this.#count('joined')
      return underWay.answer
    }
    if (this.#asking.size >= this.#bounds.atOnceMax)
      throw new Failure('unavailable', 'too many tokens are being checked', { retryAfterSeconds: 1 })
    this.#count('asked')
    const state: Asking = { answer: Promise.resolve(undefined), blocked: new Set() }
    this.#asking.set(key, state)
    state.answer = this.#ask(key, token, state)
    return state.answer
  }

  async #ask(key: string, token: string, state: Asking): Promise<SignedIn | undefined> {
    try {
      let user: SignedIn | undefined
      do {
        state.blocked.clear()
        user = await this.#introspect(token)
        // Blocked meanwhile: what was said may be from before, so it is asked again.
      } while (user !== undefined && state.blocked.has(user.userId))
      if (user === undefined || user.tokenEndsAt <= this.#now()) {
        this.#keepRefused(key)
        return undefined
      }
      this.#keep(key, user)
      return user
    } finally {
      this.#asking.delete(key)
    }
  }

  #keep(key: string, user: SignedIn): void {
    this.#forget(key)
    if (this.#good.size >= this.#bounds.entriesMax) this.#forget(this.#good.keys().next().value!)
    this.#good.set(key, { user, until: Math.min(this.#now() + this.#bounds.keptMs, user.tokenEndsAt) })
    const keys = this.#keysOf.get(user.userId) ?? new Set()
    this.#keysOf.set(user.userId, keys.add(key))
  }

  #keepRefused(key: string): void {
    this.#refused.delete(key)
    if (this.#refused.size >= this.#bounds.refusedEntriesMax) this.#refused.delete(this.#refused.keys().next().value!)
    this.#refused.set(key, this.#now() + this.#bounds.refusedKeptMs)
  }

  #forget(key: string): void {
    const entry = this.#good.get(key)
    if (entry === undefined) return
    this.#good.delete(key)
    const keys = this.#keysOf.get(entry.user.userId)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(entry.user.userId)
  }
}
