/**
 * How many orders may be under way: what comes beyond that is refused early, before anything was asked or stored for it
 * (reliability rule 13). What is accepted is then carried through in a time that its user may wait for, and the
 * machine spends nothing on what it could not finish.
 */
import { type Clock, Failure } from '@svyaz/kit'
import { limits } from './config.ts'
import type { OrderStore } from './storage.ts'

/**
 * Counts in the store, so for all instances. Each instance adds what it is still placing, which the store can't know of,
 * and what it has placed since the count.
 */
export class Admission {
  readonly #store: Pick<OrderStore, 'underWay'>
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #counted = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #placing = 0
  #placedSince = 0
  #counting: Promise<void> | undefined

  constructor(store: Pick<OrderStore, 'underWay'>, clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Lets one order in; dispose of what is returned when it is placed, or was not.
   * @param changeWindowMs orders still wait for so long by intent, and don't count until then
   * @throws Failure `unavailable`, with the time to wait, when `max` are under way
   */
  async letIn({ max, changeWindowMs }: { max: number; changeWindowMs: number }): Promise<Disposable> {
    if (this.#clock.monotonic() - this.#countedAt >= limits.underWayCountedEveryMs) {
      this.#counting ??= this.#count(max, changeWindowMs).finally(() => {
        this.#counting = undefined
      })
      await this.#counting
    }
    if (this.#counted + this.#placing + this.#placedSince >= max) {
      throw new Failure('unavailable', `${max} orders are under way already; try again`, {
        retryAfterSeconds: limits.retryWhenFullSeconds,
      })
    }
    this.#placing += 1
    return {
      [Symbol.dispose]: () => {
        this.#placing -= 1
        this.#placedSince += 1
      },
    }
  }

  async #count(max: number, changeWindowMs: number): Promise<void> {
    this.#placedSince = 0
    this.#counted = await this.#store.underWay({ madeBeforeMs: this.#clock.now() - changeWindowMs, max })
    this.#countedAt = this.#clock.monotonic()
  }
}
