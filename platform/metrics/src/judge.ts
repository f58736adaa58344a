/**
 * Whether a promise is kept. One judge for all who ask: the telemetry, `svyaz levels`, `svyaz verify`, and, by the same
 * list, the rules of Prometheus. Too few samples are "no data", whatever the value.
 */

import { evaluate } from './promql/evaluate.ts'
import { parseExpression } from './promql/parse.ts'
import type { Element } from './promql/vector.ts'
import type { SeriesSource } from './series.ts'

/** What is promised, as far as judging goes. */
export type Level = {
  readonly id: string
  readonly objective: { readonly at: 'most' | 'least'; readonly value: number }
  /** PromQL; `$window` stands for the window. One series, or one per label set of `by`. */
  readonly expression: string
  /** PromQL of how many samples are behind it, with the same labels. */
  readonly samples: string
  readonly samplesMin: number
  /** Labels that tell the series apart. */
  readonly by: readonly string[]
  readonly window: string
  /**
   * Where a low value alone is not a fault (few requests are not a failure): PromQL that gives something while the promise
   * is broken. A value below the objective that isn't broken gives no verdict: the load that it is promised under isn't offered.
   */
  readonly brokenWhen?: string
}

export type Verdict = 'met' | 'missed' | 'no data'

export type JudgedSeries = {
  /** `orders`, `orders order-saga`: the labels that tell it from the others; empty where there is one. */
  readonly of: string
  readonly value: number | undefined
  readonly samples: number
  readonly verdict: Verdict
}

/** The expression with its window put in. */
export const withWindow = (expression: string, window: string): string => expression.replaceAll('$window', window)

/** What one series of a level says; too few samples, or none, is "no data" whatever the value. */
export function judgeLevel(
  level: Pick<Level, 'objective' | 'samplesMin'>,
  value: number | undefined,
  samples: number | undefined,
): Verdict {
  if (value === undefined || Number.isNaN(value) || !((samples ?? 0) >= level.samplesMin)) return 'no data'
  const { at, value: bound } = level.objective
  return (at === 'most' ? value <= bound : value >= bound) ? 'met' : 'missed'
}

/**
 * Every series of a level at a moment.
 * @param window instead of the level's own, such as the time that was looked at
 * @throws PromqlError for an expression that isn't one
 */
export function judgeSeries(level: Level, source: SeriesSource, atMs: number, window = level.window): JudgedSeries[] {
  const over = (expression: string) => elementsAt(withWindow(expression, window), source, atMs)
  const nameOf = ({ labels }: Element) => level.by.map((name) => labels[name] ?? '').join(' ')
  const values = new Map(over(level.expression).map((one) => [nameOf(one), one.value]))
  const isIdle = level.brokenWhen !== undefined && over(level.brokenWhen).length === 0
  const samples = new Map(over(level.samples).map((one) => [nameOf(one), one.value]))
  return [...new Set([...values.keys(), ...samples.keys()])].sort().map((of) => ({
    of,
    value: values.get(of),
    samples: samples.get(of) ?? 0,
    verdict: unlessIdle(judgeLevel(level, values.get(of), samples.get(of)), isIdle),
  }))
}

const unlessIdle = (verdict: Verdict, isIdle: boolean): Verdict =>
  verdict === 'missed' && isIdle ? 'no data' : verdict

/** An expression's elements; of a number one without labels. */
export function elementsAt(expression: string, source: SeriesSource, atMs: number): readonly Element[] {
  const value = evaluate(parseExpression(expression), source, atMs)
  if (value.kind === 'string') return []
  return value.kind === 'scalar' ? [{ labels: {}, value: value.value }] : value.elements
}

/** The worst of several: missed before no data before met. Of nothing at all: no data. */
export const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes('missed') ? 'missed' : verdicts.includes('met') ? 'met' : 'no data'
