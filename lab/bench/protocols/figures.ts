/** From samples to the figures of a table. Pure. */

export interface Figures {
  readonly count: number
  /** µs. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Nearest rank on nanoseconds; µs come out. */
export function figuresOf(samplesNs: readonly number[]): Figures {
  const sorted = [...samplesNs].sort((a, b) => a - b)
  const at = (part: number) =>
    Math.round((sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN) / 1_000)
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/** Median, and the least and greatest, of one figure over all rounds. */
export function spread(values: readonly number[]): {
  readonly median: number
  readonly min: number
  readonly max: number
} {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
