/**
 * The time by which retention judges. Apache Kafka takes the wall clock, and a jump of days removes what nobody has read.
 * This one is never ahead of the wall clock, and runs after it at most at twice the speed of the monotonic clock:
 * whatever jumps, a record keeps half of the time that it had left, and a jump that is over within minutes makes it go
 * no more than those minutes early. Decision 0038.
 */

const catchUpFactor = 2

export class RetentionClock {
  readonly #wall: () => number
  readonly #monotonic: () => number
  #at: number
  #readAt: number

  /**
   * @param wall ms since 1970; @param monotonic ms
   * @param newest timestamp of the newest record in the log, -1 when there is none: the wall clock may have jumped before
   *   this start, or nobody could read while the broker was down
   */
  constructor(wall: () => number, monotonic: () => number, newest: number) {
    this.#wall = wall
    this.#monotonic = monotonic
    this.#at = newest < 0 ? wall() : Math.min(wall(), newest)
    this.#readAt = monotonic()
  }

  /** ms since 1970, never ahead of the wall clock. */
  now(): number {
    const wall = this.#wall()
    const readAt = this.#monotonic()
    const elapsed = readAt - this.#readAt
    this.#readAt = readAt
    // Goes on while the wall clock is set back, or it would be late by the jump when that comes back.
    this.#at = Math.max(this.#at + elapsed, Math.min(wall, this.#at + catchUpFactor * elapsed))
    return Math.min(wall, this.#at)
  }
}
