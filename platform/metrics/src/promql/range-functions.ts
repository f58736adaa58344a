/** What the samples of one series within a window come to. Formulas are Prometheus' own (promql/functions.go). */
import { extremeOf, meanOf, sumOf, varianceOf } from './sums.ts'

export type Window = {
  readonly times: readonly number[]
  readonly values: readonly number[]
  readonly fromMs: number
  readonly toMs: number
}

/** undefined: too few samples to say. */
export type RangeFunction = (window: Window, parameter: number) => number | undefined

/** By how much samples grew. A counter that falls was set back to 0 by a restart. */
function grown(values: readonly number[], isCounter: boolean): number {
  let sum = (values.at(-1) ?? 0) - (values[0] ?? 0)
  if (isCounter)
    values.forEach((value, n) => {
      const before = values[n - 1]
      if (before !== undefined && value < before) sum += before
    })
  return sum
}

/**
 * Growth over the whole window: samples are rarely at its edges, so what was seen is stretched to them, by at most half of
 * the usual distance between samples where the series begins or ends within the window, and never below zero.
 */
function extrapolated(
  { times, values, fromMs, toMs }: Window,
  isCounter: boolean,
  isRate: boolean,
): number | undefined {
  const [first, last] = [times[0], times.at(-1)]
  if (first === undefined || last === undefined || times.length < 2) return undefined
  const growth = grown(values, isCounter)
  const sampled = last - first
  const usual = sampled / (times.length - 1)
  let toStart = first - fromMs
  let toEnd = toMs - last
  if (toStart >= usual * 1.1) toStart = usual / 2
  const [zero = 0] = values
  if (isCounter && growth > 0 && zero >= 0) toStart = Math.min(toStart, sampled * (zero / growth))
  if (toEnd >= usual * 1.1) toEnd = usual / 2
  const whole = (growth * (sampled + toStart + toEnd)) / sampled
  return isRate ? whole / ((toMs - fromMs) / 1_000) : whole
}

function instant({ times, values }: Window, isRate: boolean): number | undefined {
  const [before, last] = [values.at(-2), values.at(-1)]
  if (before === undefined || last === undefined) return undefined
  const growth = isRate && last < before ? last : last - before
  const seconds = ((times.at(-1) ?? 0) - (times.at(-2) ?? 0)) / 1_000
  return isRate ? growth / seconds : growth
}

/** Linear between the two nearest; NaN among few, infinite outside of 0 to 1. */
export function quantileOf(share: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(share)) return Number.NaN
  if (share < 0) return Number.NEGATIVE_INFINITY
  if (share > 1) return Number.POSITIVE_INFINITY
  const sorted = [...values].sort((a, b) => a - b)
  const rank = share * (sorted.length - 1)
  const [low, high] = [Math.floor(rank), Math.min(Math.floor(rank) + 1, sorted.length - 1)]
  const weight = rank - low
  return (sorted[low] ?? Number.NaN) * (1 - weight) + (sorted[high] ?? Number.NaN) * weight
}

function slope({ times, values, toMs }: Window): { perSecond: number; atEnd: number } | undefined {
  if (values.length < 2) return undefined
  const xs = times.map((time) => (time - toMs) / 1_000)
  const [mx, my] = [meanOf(xs), meanOf(values)]
  const covariance = xs.reduce((sum, x, n) => sum + (x - mx) * ((values[n] ?? 0) - my), 0)
  const spread = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0)
  const perSecond = covariance / spread
  return { perSecond, atEnd: my - perSecond * mx }
}

const counted = (values: readonly number[], isSo: (value: number, before: number) => boolean) =>
  values.filter((value, n) => n > 0 && isSo(value, values[n - 1] ?? value)).length

export const rangeFunctions: Readonly<Record<string, RangeFunction>> = {
  rate: (window) => extrapolated(window, true, true),
  increase: (window) => extrapolated(window, true, false),
  delta: (window) => extrapolated(window, false, false),
  irate: (window) => instant(window, true),
  idelta: (window) => instant(window, false),
  deriv: (window) => slope(window)?.perSecond,
  predict_linear: (window, seconds) => {
    const line = slope(window)
    return line && line.atEnd + line.perSecond * seconds
  },
  resets: ({ values }) => counted(values, (value, before) => value < before),
  changes: ({ values }) =>
    counted(values, (value, before) => value !== before && !(Number.isNaN(value) && Number.isNaN(before))),
  avg_over_time: ({ values }) => meanOf(values),
  min_over_time: ({ values }) => extremeOf(values, (value, best) => value < best),
  max_over_time: ({ values }) => extremeOf(values, (value, best) => value > best),
  sum_over_time: ({ values }) => sumOf(values),
  count_over_time: ({ values }) => values.length,
  last_over_time: ({ values }) => values.at(-1),
  present_over_time: () => 1,
  stdvar_over_time: ({ values }) => varianceOf(values),
  stddev_over_time: ({ values }) => Math.sqrt(varianceOf(values)),
  quantile_over_time: ({ values }, share) => quantileOf(share, values),
}
