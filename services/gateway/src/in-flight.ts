/**
 * Requests being answered: bounded in all, and so that no route, user or address holds them all. A request counts from
 * the moment its body is there: one that is slow to arrive holds nothing but its own connection.
 */
import { Failure } from '@svyaz/kit'

export interface InFlightBounds {
  /** Parts of the whole, in (0, 1]. */
  readonly route: number
  readonly user: number
  readonly anonymous: number
  readonly address: number
}

export interface Claim {
  readonly route: string
  /** Undefined: nobody has signed in. */
  readonly userId: string | undefined
  /** As limits count it (IPv6: /64). */
  readonly address: string
  /** Of the route, where it says so; its share of all otherwise. */
  readonly routeMax?: number | undefined
}

export class InFlight {
  readonly #shares: InFlightBounds
  readonly #retryAfterSeconds: number
  readonly #held = new Map<string, number>()
  #all = 0

  constructor(shares: InFlightBounds, retryAfterSeconds: number) {
    this.#shares = shares
    this.#retryAfterSeconds = retryAfterSeconds
  }

  get size(): number {
    return this.#all
  }

  /** Whether anybody at all may come now. */
  isFull(max: number): boolean {
    return this.#all >= max
  }

  /**
   * Takes a place; the function given back frees it, once.
   *
   * @param max of all together
   * @throws Failure `unavailable` when all places, or those of the route, are taken; `too_many_requests` when the caller
   *   holds its share
   */
  enter({ route, userId, address, routeMax }: Claim, max: number): () => void {
    const { route: ofRoute, user, anonymous, address: ofAddress } = this.#shares
    const keys = [`route ${route}`, userId === undefined ? `anonymous ${address}` : `user ${userId}`, `at ${address}`]
    const share = (part: number) => Math.max(1, Math.floor(max * part))
    const bounds = [routeMax ?? share(ofRoute), share(userId === undefined ? anonymous : user), share(ofAddress)]
    if (this.isFull(max)) throw this.#refusal('unavailable', 'too many requests are in progress')
    for (const [index, key] of keys.entries())
      if ((this.#held.get(key) ?? 0) >= bounds[index]!)
        throw index === 0
          ? this.#refusal('unavailable', 'too much is under way at this path')
          : this.#refusal('too_many_requests', 'too many of your requests are under way')
    this.#all++
    for (const key of keys) this.#held.set(key, (this.#held.get(key) ?? 0) + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#all--
      for (const key of keys) {
        const held = this.#held.get(key)! - 1
        if (held === 0) this.#held.delete(key)
        else this.#held.set(key, held)
      }
    }
  }

  #refusal(code: 'unavailable' | 'too_many_requests', detail: string): Failure {
    return new Failure(code, detail, { retryAfterSeconds: this.#retryAfterSeconds })
  }
}
