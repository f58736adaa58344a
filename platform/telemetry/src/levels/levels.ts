/**
 * Service levels over what was scraped: the verdict of now, and the error budget. Each minute every level is judged, and
 * the verdict kept as a series of its own (`svyaz:level:met`), beside the value and the number of samples under the names
 * that the rules for Prometheus record: a budget is read from those.
 */
import {
  elementsAt,
  type JudgedSeries,
  judgeSeries,
  type Level,
  PromqlError,
  withWindow,
  worstOf,
} from '@svyaz/metrics'
import type { MetricStore } from '../metrics/metric-store.ts'

/** What is promised, as the file of `--levels` says it. */
export type ServiceLevel = Level & {
  readonly what: string
  readonly objective: { readonly at: 'most' | 'least'; readonly value: number; readonly unit: string }
  readonly budget: 'events' | 'time'
  readonly load: string
  readonly denominator?: string
  readonly severity: 'critical' | 'warning'
  readonly runbook: string
}

/** Of judged minutes, how many may be missed. */
const missedMinutesAllowed = 0.01
/** What a budget is for, and over which spans its speed is told. */
export const periodMs = 24 * 3_600_000
const burnWindows = ['1h', '6h', '24h'] as const
/** Longer windows have a verdict of their own, and are judged when somebody asks. */
const recordedWindow = /^\d+[smh]$/

/** @throws when the text isn't a list of levels whose expressions can be read */
export function readLevels(text: string): readonly ServiceLevel[] {
  const levels = JSON.parse(text) as ServiceLevel[]
  const nothing = { select: () => [] }
  if (!Array.isArray(levels)) throw new Error('levels are a list')
  for (const level of levels) judgeSeries(level, nothing, 0)
  return levels
}

/**
 * Judges all and keeps what came out.
 * @param onFault hears of each that can't be judged over what there is; the others are kept
 */
export function recordLevels(
  levels: readonly ServiceLevel[],
  store: MetricStore,
  atMs: number,
  onFault: (fault: unknown) => void,
): void {
  const looks = levels
    .filter(({ window }) => recordedWindow.test(window))
    .flatMap((level) => {
      try {
        const samples = judgeSeries(level, store, atMs).flatMap((series) => samplesOf(level, series))
        return [{ target: { job: 'levels', level: level.id }, samples }]
      } catch (error) {
        onFault(`${level.id}: ${String(error)}`)
        return []
      }
    })
  store.add(looks, atMs)
}

function samplesOf({ by }: ServiceLevel, { of, value, samples, verdict }: JudgedSeries) {
  const names = of.split(' ')
  const labels = by.map((label, n) => `${label}=${JSON.stringify(names[n] ?? '')}`).join(',')
  const key = (name: string) => `svyaz:level:${name}${labels && `{${labels}}`}`
  return [
    ...(value === undefined ? [] : [{ key: key('value'), value }]),
    { key: key('samples'), value: samples },
    ...(verdict === 'no data' ? [] : [{ key: key('met'), value: verdict === 'met' ? 1 : 0 }]),
  ]
}

/** For `/levels`. One that can't be judged over what there is has no verdict, and says why; the others have theirs. */
export function levelsAnswer(levels: readonly ServiceLevel[], store: MetricStore, atMs: number) {
  return { atMs, levels: levels.map((level) => ({ ...shownOf(level), ...judged(level, store, atMs) })) }
}

function judged(level: ServiceLevel, store: MetricStore, atMs: number) {
  try {
    const series = judgeSeries(level, store, atMs)
    return {
      verdict: worstOf(series.map(({ verdict }) => verdict)),
      series: series.map((one) => ({
        ...one,
        value: one.value === undefined || !Number.isFinite(one.value) ? null : one.value,
      })),
      budget: budgetOf(level, store, atMs),
    }
  } catch (error) {
    if (!(error instanceof PromqlError || error instanceof SyntaxError)) throw error
    return { verdict: 'no data', series: [], budget: null, fault: error.message } as const
  }
}

function shownOf(level: ServiceLevel) {
  const { id, what, objective, window, load, denominator, severity, runbook, samplesMin, expression } = level
  const named = denominator === undefined ? {} : { denominator }
  return { id, what, objective, window, load, ...named, severity, runbook, samplesMin, expression }
}

function budgetOf(level: ServiceLevel, store: MetricStore, atMs: number) {
  const missed = level.budget === 'events' ? missedEvents : missedMinutes
  const { at, value } = level.objective
  const allowedRatio = level.budget === 'time' ? missedMinutesAllowed : at === 'most' ? value : 1 - value
  const missedRatio = missed(level, store, atMs, '24h')
  if (missedRatio === undefined) return null
  return {
    periodMs,
    allowedRatio,
    missedRatio,
    spent: missedRatio / allowedRatio,
    burn: burnWindows.map((window) => {
      const ratio = missed(level, store, atMs, window)
      return { window, rate: ratio === undefined ? null : ratio / allowedRatio }
    }),
  }
}

/** The share of events that were not as promised: of the worst series. */
function missedEvents(level: ServiceLevel, store: MetricStore, atMs: number, window: string): number | undefined {
  const values = judgeSeries(level, store, atMs, window)
    .filter(({ verdict, value }) => verdict !== 'no data' && value !== undefined)
    .map(({ value = 0 }) => (level.objective.at === 'most' ? value : 1 - value))
  return values.length === 0 ? undefined : Math.max(0, ...values)
}

/** The share of judged minutes in which it was missed: of the worst series. */
function missedMinutes(level: ServiceLevel, store: MetricStore, atMs: number, window: string): number | undefined {
  const met = withWindow(`avg_over_time(svyaz:level:met{level="${level.id}"}[$window])`, window)
  const values = elementsAt(met, store, atMs).map(({ value }) => 1 - value)
  return values.length === 0 ? undefined : Math.max(0, ...values)
}
