/**
 * Sums and means as Prometheus has them: what rounding takes from each step is kept beside the sum (Kahan and Neumaier), so
 * that the mean of ones is one, however many there are.
 */

/** The sum; 0 of nothing. */
export function sumOf(values: readonly number[]): number {
  let sum = 0
  let lost = 0
  for (const value of values) {
    const next = sum + value
    if (!Number.isFinite(next)) lost = 0
    else lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return sum + lost
}

/** The mean; NaN of nothing. */
export function meanOf(values: readonly number[]): number {
  const sum = sumOf(values)
  // The sum may be too large for a number where the mean isn't.
  if (Number.isFinite(sum) || !values.every(Number.isFinite)) return sum / values.length
  return sumOf(values.map((value) => value / values.length))
}

/** The variance of all there is (not of a sample). */
export function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values)
  return meanOf(values.map((value) => (value - mean) ** 2))
}

/** The least or the greatest; NaN only where there is nothing else. */
export function extremeOf(values: readonly number[], isBetter: (value: number, best: number) => boolean): number {
  return values.reduce((best, value) => (Number.isNaN(best) || isBetter(value, best) ? value : best))
}
