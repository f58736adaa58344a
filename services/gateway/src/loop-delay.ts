/**
 * How late this process does what is due: what a request waits here before anybody looks at it. Measured only while it is
 * asked for, so that a gateway at rest has no timer.
 */

/** How often it is looked at, and how long a look holds. */
const everyMs = 20
const heldMs = 1_000

export class LoopDelay {
  readonly #now: () => number
  readonly #after: (ms: number, look: () => void) => void
  #dueAt: number | undefined
  #ms = 0
  #seenAt = Number.NEGATIVE_INFINITY

  /** @param now monotonic ms; @param after calls back when that long has passed and the process gets to it */
  constructor(now: () => number, after: (ms: number, look: () => void) => void) {
    this.#now = now
    this.#after = after
  }

  /** ms: rises at once, falls by halves. What is overdue right now counts already. */
  get ms(): number {
    const now = this.#now()
    const known = now - this.#seenAt <= heldMs ? this.#ms : 0
    if (this.#dueAt !== undefined) return Math.max(known, now - this.#dueAt)
    this.#dueAt = now + everyMs
    this.#after(everyMs, () => this.#look())
    return known
  }

  #look(): void {
    const now = this.#now()
    const late = Math.max(0, now - (this.#dueAt ?? now))
    const known = now - this.#seenAt <= heldMs ? this.#ms : 0
    this.#ms = Math.max(late, (known + late) / 2)
    this.#seenAt = now
    this.#dueAt = undefined
  }
}
