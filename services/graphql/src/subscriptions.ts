/** How many subscriptions there may be: in all, and of one user. */
import { type Caller, Failure } from '@svyaz/kit'
import { limits } from './config.ts'

const { atOnceMax, perUserMax } = limits.subscriptions

export class Subscriptions {
  #open = 0
  readonly #byUser = new Map<string, number>()

  get open(): number {
    return this.#open
  }

  /** Takes a place; call what it returns once when the subscription has ended. @throws Failure when there is none */
  take(caller: Caller): () => void {
    if (caller.kind !== 'user') throw new Failure('unauthenticated', 'sign in first')
    const { userId } = caller
    const own = this.#byUser.get(userId) ?? 0
    if (this.#open >= atOnceMax)
      throw new Failure('unavailable', 'no more subscriptions right now', { retryAfterSeconds: 1 })
    if (own >= perUserMax)
      throw new Failure('too_many_requests', `at most ${perUserMax} subscriptions per user`, { retryAfterSeconds: 1 })
    this.#open++
    this.#byUser.set(userId, own + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      this.#open--
      const left = (this.#byUser.get(userId) ?? 1) - 1
      if (left === 0) this.#byUser.delete(userId)
      else this.#byUser.set(userId, left)
    }
  }
}
