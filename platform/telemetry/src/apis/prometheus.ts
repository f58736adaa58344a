/**
 * Prometheus' HTTP API (v1), as far as Grafana's data source and `promtool query` need it: instant and range queries,
 * series, labels, metadata. https://prometheus.io/docs/prometheus/latest/querying/api/
 */
import {
  evaluate,
  evaluateRange,
  type Labels,
  type Matcher,
  PromqlError,
  parseExpression,
  samplesMax,
} from '@svyaz/metrics'
import type { Sources } from '../answers.ts'
import type { ApiRoute } from './route.ts'

/** The older half of what is kept need not be looked at to name labels. */
const rangeMsDefault = 3_600_000
const durationForm = /^(\d+(?:\.\d+)?)(ms|[smhdwy])$/
const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
}

class BadData extends Error {}

type Query = URLSearchParams

/** Prometheus’ query API over what was scraped. */
export function prometheusRoutes(sources: Sources): Readonly<Record<string, ApiRoute>> {
  const { metrics, scraper, now } = sources
  const answered =
    (work: (query: Query, id: string) => unknown): ApiRoute =>
    (query, id) => {
      try {
        return { status: 200, body: { status: 'success', data: work(query, id) } }
      } catch (error) {
        if (!(error instanceof PromqlError || error instanceof BadData || error instanceof SyntaxError)) throw error
        return { status: 400, body: { status: 'error', errorType: 'bad_data', error: error.message } }
      }
    }
  const labelSets = (query: Query): Labels[] => {
    const matched = query.getAll('match[]').map(matchersOf)
    const [from, to] = rangeOf(query, now())
    return (matched.length === 0 ? [[]] : matched).flatMap((matchers) => metrics.labelSets(matchers, from, to))
  }
  return {
    '/api/v1/query': answered((query) => instant(sources, needed(query, 'query'), timeOf(query.get('time')) ?? now())),
    '/api/v1/query_range': answered((query) => range(sources, query)),
    '/api/v1/series': answered((query) => {
      if (query.getAll('match[]').length === 0) throw new BadData('no match[] parameter provided')
      return labelSets(query)
    }),
    '/api/v1/labels': answered((query) => sortedUnique(labelSets(query).flatMap((labels) => Object.keys(labels)))),
    '/api/v1/label/{id}/values': answered((query, id) =>
      sortedUnique(labelSets(query).flatMap((labels) => labels[id] ?? [])),
    ),
    '/api/v1/metadata': answered((query) => {
      const only = query.get('metric')
      const all = [...(scraper?.metadata() ?? [])].filter(([name]) => only === null || name === only)
      return Object.fromEntries(all.map(([name, { type, help }]) => [name, [{ type, help, unit: '' }]]))
    }),
    '/api/v1/status/buildinfo': answered(() => ({ version: '2.45.0', application: 'svyaz-telemetry' })),
  }
}

function instant({ metrics }: Sources, text: string, atMs: number) {
  const expression = parseExpression(text)
  if (expression.kind === 'selector' && expression.rangeMs !== undefined) {
    const toMs = atMs - expression.offsetMs
    const found = metrics.select(expression.matchers, toMs - expression.rangeMs + 1, toMs, samplesMax)
    const result = found
      .filter(({ times }) => times.length > 0)
      .map(({ labels, times, values }) => ({
        metric: labels,
        values: times.map((time, n) => pair(time, values[n] ?? Number.NaN)),
      }))
    return { resultType: 'matrix', result }
  }
  const value = evaluate(expression, metrics, atMs)
  if (value.kind === 'string') return { resultType: 'string', result: [atMs / 1_000, value.value] }
  if (value.kind === 'scalar') return { resultType: 'scalar', result: pair(atMs, value.value) }
  const result = value.elements.map(({ labels, value: own }) => ({ metric: labels, value: pair(atMs, own) }))
  return { resultType: 'vector', result }
}

function range({ metrics }: Sources, query: Query) {
  const [start, end] = [timeOf(needed(query, 'start')), timeOf(needed(query, 'end'))]
  const step = durationOf(needed(query, 'step'))
  if (start === undefined || end === undefined || end < start)
    throw new BadData('end timestamp must not be before start time')
  const series = evaluateRange(parseExpression(needed(query, 'query')), metrics, start, end, step)
  const result = series.map(({ labels, points }) => ({
    metric: labels,
    values: points.map(([atMs, value]) => pair(atMs, value)),
  }))
  return { resultType: 'matrix', result }
}

const pair = (atMs: number, value: number) => [atMs / 1_000, textOf(value)] as const

const textOf = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)

function needed(query: Query, name: string): string {
  const value = query.get(name)
  if (value === null || value === '') throw new BadData(`invalid parameter "${name}": it is needed`)
  return value
}

/** Seconds with fractions, or RFC 3339. */
function timeOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  const ms = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) * 1_000 : Date.parse(text)
  if (!Number.isFinite(ms)) throw new BadData(`cannot parse ${JSON.stringify(text.slice(0, 100))} to a valid timestamp`)
  return Math.round(ms)
}

function durationOf(text: string): number {
  const [, count, unit] = durationForm.exec(text) ?? []
  const ms = unit === undefined ? Number(text) * 1_000 : Number(count) * (unitMs[unit] ?? 0)
  if (!(ms >= 1)) throw new BadData('zero or negative query resolution step widths are not accepted')
  return Math.round(ms)
}

function rangeOf(query: Query, nowMs: number): [number, number] {
  const end = timeOf(query.get('end')) ?? nowMs
  return [timeOf(query.get('start')) ?? end - rangeMsDefault, end]
}

function matchersOf(text: string): readonly Matcher[] {
  const expression = parseExpression(text)
  if (expression.kind !== 'selector' || expression.rangeMs !== undefined)
    throw new BadData('match[] must be a selector')
  return expression.matchers
}

const sortedUnique = (names: readonly string[]): string[] => [...new Set(names)].filter((name) => name !== '').sort()
