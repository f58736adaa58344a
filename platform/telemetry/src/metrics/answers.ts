/** `/metrics/query` and its neighbours: PromQL over what was scraped. */
import { elementsAt, evaluateRange, PromqlError, parseExpression } from '@svyaz/metrics'
import { Problem } from '@svyaz/stage'
import { Parameters } from '../queries.ts'
import type { MetricStore } from './metric-store.ts'
import type { Scraper } from './scraper.ts'

const rangeMsDefault = 3_600_000
const stepsDefault = 120
export const stepMsMin = 1_000
const lookBackMs = 300_000

/** NaN and the infinities are not JSON. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** @throws Problem 400 in place of what is wrong with the expression */
export function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof PromqlError || error instanceof SyntaxError)
      throw new Problem(400, 'invalid_expression', error.message)
    throw error
  }
}

/** The answer of `GET /metrics/query`: an expression at one time. @throws Problem 400 */
export function metricAnswer(store: MetricStore, query: URLSearchParams, nowMs: number) {
  const asked = new Parameters(query)
  const text = expressionOf(asked)
  const atMs = asked.timeMs('time') ?? nowMs
  asked.done()
  const elements = refusing(() => elementsAt(text, store, atMs))
  return { atMs, series: elements.map(({ labels, value }) => ({ labels, value: finite(value) })) }
}

/** The answer of `GET /metrics/range`: an expression over a span of time. @throws Problem 400 */
export function metricRangeAnswer(store: MetricStore, query: URLSearchParams, nowMs: number) {
  const asked = new Parameters(query)
  const text = expressionOf(asked)
  const toMs = asked.timeMs('to') ?? nowMs
  const fromMs = asked.timeMs('from') ?? toMs - rangeMsDefault
  const stepS = asked.whole('stepS', 1, 86_400)
  if (fromMs > toMs) asked.fault('from must be before to')
  asked.done()
  const stepMs = stepS === undefined ? Math.max(stepMsMin, Math.ceil((toMs - fromMs) / stepsDefault)) : stepS * 1_000
  const series = refusing(() => evaluateRange(parseExpression(text), store, fromMs, toMs, stepMs))
  return {
    fromMs,
    toMs,
    stepMs,
    series: series.map(({ labels, points }) => ({
      labels,
      points: points.map(([atMs, value]) => [atMs, finite(value)] as const),
    })),
  }
}

function expressionOf(asked: Parameters): string {
  const text = asked.text('query')
  if (text === undefined) asked.fault('query is needed')
  return text ?? '0'
}

/** The names of the metrics that were seen lately, with how many series each has. */
export function metricNamesAnswer(store: MetricStore, scraper: Scraper | undefined, nowMs: number) {
  const counts = new Map<string, number>()
  for (const { __name__: name = '' } of store.labelSets([], nowMs - lookBackMs, nowMs))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  return {
    metrics: [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, series]) => ({
        name,
        ...(metadataOf(name, scraper) ?? { type: 'untyped', help: '' }),
        series,
      })),
  }
}

/** A histogram's parts have the metadata of the whole. */
function metadataOf(name: string, scraper: Scraper | undefined) {
  const known = scraper?.metadata()
  return known?.get(name) ?? known?.get(name.replace(/_(?:bucket|sum|count)$/, ''))
}

/** Who is scraped, how often (ms), and how it went. */
export const targetsAnswer = (scraper: Scraper | undefined, intervalMs: number) => ({
  intervalMs,
  targets: scraper?.states() ?? [],
})
