/**
 * How many orders may be under way: what comes beyond that is refused early, before anything was asked or stored for it
 * (reliability rule 13). What is accepted is then carried through in a time that its user may wait for, and the
 * machine spends nothing on what it could not finish.
 */
import { type Clock, Failure } from '@svyaz/kit'
import { limits } from './config.ts'
import type { OrderStore } from './storage.ts'

/** Counts in the store, so for all instances; between two counts each instance adds what it let in itself. */
export class Admission {
  readonly #store: Pick<OrderStore, 'underWay'>
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #counted = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #letIn = 0
  #counting: Promise<void> | undefined

  constructor(store: Pick<OrderStore, 'underWay'>, clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Lets one order in.
   * @param changeWindowMs orders still wait for so long by intent, and don't count until then
   * @throws Failure `unavailable`, with the time to wait, when `max` are under way
   */
  async letIn({ max, changeWindowMs }: { max: number; changeWindowMs: number }): Promise<void> {
    if (this.#clock.monotonic() - this.#countedAt >= limits.underWayCountedEveryMs) {
      this.#counting ??= this.#count(max, changeWindowMs).finally(() => {
        this.#counting = undefined
      })
      await this.#counting
    }
    if (this.#counted + this.#letIn >= max) {
      throw new Failure('unavailable', `${max} orders are under way already; try again`, {
        retryAfterSeconds: limits.retryWhenFullSeconds,
      })
    }
    this.#letIn += 1
  }

  async #count(max: number, changeWindowMs: number): Promise<void> {
    this.#letIn = 0
    this.#counted = await this.#store.underWay({ madeBeforeMs: this.#clock.now() - changeWindowMs, max })
    this.#countedAt = this.#clock.monotonic()
  }
}
