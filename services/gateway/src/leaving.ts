/**
 * How a gateway that stops is left by a balancer (decision 0075). nginx has no other way to learn of it than a request that
 * fails: so before the port closes, what is safe to repeat is let go of without an answer. nginx asks another gateway and
 * leaves this one out, and nothing is on its way any more when the port closes.
 */
import type { IncomingMessage } from 'node:http'

/** What a balancer sets that asks another gateway when this one doesn't answer. */
const balancedHeader = 'x-svyaz-balanced'

/** RFC 9110, 9.2.1; OPTIONS is answered here. */
const repeatable: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD'])

export class Leaving {
  readonly #now: () => number
  readonly #recentMs: number
  #balancedAt = Number.NEGATIVE_INFINITY
  #begun = false

  /**
   * @param now monotonic ms
   * @param recentMs how long ago a balancer may have asked last
   */
  constructor(now: () => number, recentMs: number) {
    this.#now = now
    this.#recentMs = recentMs
  }

  /** Whether this request isn't to be answered, but its connection ended. */
  letsGo({ headers, method }: Pick<IncomingMessage, 'headers' | 'method'>): boolean {
    if (headers[balancedHeader] === undefined) return false
    this.#balancedAt = this.#now()
    return this.#begun && repeatable.has(method)
  }

  /** Whether there is anybody to be left by; then what can be repeated is let go of from now on. */
  begin(): boolean {
    this.#begun = this.#now() - this.#balancedAt < this.#recentMs
    return this.#begun
  }
}
