/** Aggregations over the elements of a vector. */
import type { Aggregation } from './expression.ts'
import { quantileOf } from './range-functions.ts'
import { extremeOf, meanOf, sumOf, varianceOf } from './sums.ts'
import { type Element, grouped, only, without } from './vector.ts'

const toOne: Readonly<
  Record<Exclude<Aggregation, 'topk' | 'bottomk'>, (values: number[], parameter: number) => number>
> = {
  sum: sumOf,
  avg: meanOf,
  min: (values) => extremeOf(values, (value, best) => value < best),
  max: (values) => extremeOf(values, (value, best) => value > best),
  count: (values) => values.length,
  group: () => 1,
  stdvar: varianceOf,
  stddev: (values) => Math.sqrt(varianceOf(values)),
  quantile: (values, share) => quantileOf(share, values),
}

/**
 * Aggregates as PromQL does, e.g. `sum by (service) (…)`; one element for each group.
 *
 * @param parameter of `topk`, `bottomk` and `quantile`; others ignore it
 */
export function aggregate(
  by: Aggregation,
  parameter: number,
  elements: readonly Element[],
  grouping: { readonly without: boolean; readonly labels: readonly string[] },
): Element[] {
  const { labels: names } = grouping
  const groups = grouped(elements, (labels) => (grouping.without ? without(labels, names) : only(labels, names)))
  if (by !== 'topk' && by !== 'bottomk')
    return groups.map(({ labels, elements: own }) => ({
      labels,
      value: toOne[by](
        own.map(({ value }) => value),
        parameter,
      ),
    }))
  const sign = by === 'topk' ? -1 : 1
  return groups.flatMap(({ elements: own }) =>
    own.toSorted((a, b) => sign * (a.value - b.value)).slice(0, Math.max(0, Math.trunc(parameter))),
  )
}
