/** Quantiles out of the buckets of classic histograms (promql/quantile.go of Prometheus). */
import { type Element, grouped, nameless, without } from './vector.ts'

/**
 * PromQL’s `histogram_quantile`: estimated by a straight line inside the bucket.
 *
 * @param share 0 to 1
 */
export function histogramQuantile(share: number, elements: readonly Element[]): Element[] {
  const withBounds = elements.filter(({ labels }) => labels.le !== undefined)
  return grouped(withBounds, (labels) => without(nameless(labels), ['le'])).map(({ labels, elements: own }) => ({
    labels,
    value: quantileOfBuckets(
      share,
      own.map(({ labels: { le = '' }, value }) => ({
        bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
        value,
      })),
    ),
  }))
}

type Bucket = { readonly bound: number; readonly value: number }

function quantileOfBuckets(share: number, unsorted: readonly Bucket[]): number {
  if (Number.isNaN(share)) return Number.NaN
  if (share < 0) return Number.NEGATIVE_INFINITY
  if (share > 1) return Number.POSITIVE_INFINITY
  const buckets = monotonic(unsorted.toSorted((a, b) => a.bound - b.bound))
  const [last, beforeLast] = [buckets.at(-1), buckets.at(-2)]
  if (last?.bound !== Number.POSITIVE_INFINITY || beforeLast === undefined || !(last.value > 0)) return Number.NaN
  const rank = share * last.value
  const at = buckets.findIndex(({ value }) => value >= rank)
  if (at === buckets.length - 1) return beforeLast.bound
  const bucket = buckets[at] as Bucket
  const before = buckets[at - 1]
  if (before === undefined && bucket.bound <= 0) return bucket.bound
  const from = before ?? { bound: 0, value: 0 }
  return from.bound + (bucket.bound - from.bound) * ((rank - from.value) / (bucket.value - from.value))
}

/** Buckets of one histogram aren't scraped in one instant: a count below the one before it is raised to it. */
function monotonic(buckets: readonly Bucket[]): Bucket[] {
  const result: Bucket[] = []
  for (const { bound, value } of buckets) {
    const last = result.at(-1)
    if (last?.bound === bound) result[result.length - 1] = { bound, value: last.value + value }
    else result.push({ bound, value: Math.max(value, last?.value ?? value) })
  }
  return result
}
