/**
 * How long things took, counted on a scale on which each step is a fifth longer than the one before: a quantile read from
 * it is within 10 % of the truth, and two counts add up. Sparse: only the steps between the shortest and the longest.
 */

const stepFactor = 1.2
const firstMs = 0.01
const stepsMax = 128
const logFactor = Math.log(stepFactor)

export class Durations {
  #first = 0
  #counts: number[] = []

  /** @param ms what is below 10 µs counts as that, what is above a day as that */
  add(ms: number, count = 1): void {
    const step = ms <= firstMs ? 0 : Math.min(stepsMax - 1, Math.ceil(Math.log(ms / firstMs) / logFactor))
    this.#addAt(step, count)
  }

  merge(other: Durations): void {
    other.#counts.forEach((count, at) => {
      if (count > 0) this.#addAt(other.#first + at, count)
    })
  }

  /** @param share 0 to 1
   * @returns ms; 0 when nothing was counted */
  quantile(share: number): number {
    const wanted = share * this.#counts.reduce((sum, count) => sum + count, 0)
    let seen = 0
    for (const [at, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= wanted) return middleMs(this.#first + at)
    }
    return 0
  }

  #addAt(step: number, count: number): void {
    if (this.#counts.length === 0) this.#first = step
    while (step < this.#first) {
      this.#counts.unshift(0)
      this.#first -= 1
    }
    const at = step - this.#first
    while (this.#counts.length <= at) this.#counts.push(0)
    this.#counts[at] = (this.#counts[at] ?? 0) + count
  }
}

/** In the middle of a step by ratio, so that the error is the same either way. */
const middleMs = (step: number): number => (step === 0 ? firstMs : firstMs * stepFactor ** (step - 0.5))
