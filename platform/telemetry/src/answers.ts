/**
 * What may be asked: one function a route, from the query to the value that is answered as JSON. The forms of both are the
 * contract of this process's readers: a route, its parameters and its members stay, new ones may come.
 */
import { elementsAt, PromqlError } from '@svyaz/metrics'
import { Problem } from '@svyaz/stage'
import type { Activity } from './activity/activity.ts'
import { edgesAnswer, edgeTotalsAnswer, operationsByService, redAnswer, windowOf } from './activity/answers.ts'
import type { Instances } from './instances.ts'
import { levelsAnswer, type ServiceLevel } from './levels/levels.ts'
import type { Limits } from './limits.ts'
import { logSources } from './logs/directory.ts'
import type { LogFollower } from './logs/follow.ts'
import { logMatcher } from './logs/log-filter.ts'
import type { LogStore } from './logs/log-store.ts'
import { logRate } from './logs/rate.ts'
import { searchLogs } from './logs/search.ts'
import { metricAnswer, metricNamesAnswer, metricRangeAnswer, targetsAnswer } from './metrics/answers.ts'
import type { MetricStore } from './metrics/metric-store.ts'
import type { PushedSamples } from './metrics/pushed.ts'
import type { Scraper } from './metrics/scraper.ts'
import { logQuery, Parameters, traceIdOf, traceQuery, windowQuery } from './queries.ts'
import { findTraces } from './spans/find-traces.ts'
import { joinTraces } from './spans/join.ts'
import type { SpanStore } from './spans/span-store.ts'

/** As the services themselves measure it. */
const waitingExpression = 'sum by (topic, service) (max by (topic, service, group, partition) (svyaz_consumer_lag))'

export type Sources = {
  readonly spans: SpanStore
  readonly metrics: MetricStore
  readonly scraper: Scraper | undefined
  readonly scrapeEveryMs: number
  readonly levels: readonly ServiceLevel[]
  readonly activity: Activity
  readonly instances: Instances | undefined
  readonly logDirectory: string | undefined
  /** What came over OTLP. */
  readonly logs: LogStore
  readonly follower: LogFollower
  readonly pushed: PushedSamples
  readonly limits: Limits
  readonly now: () => number
}

export type Answer = (query: URLSearchParams, id: string) => unknown

/** By path; `{id}` stands for one segment. */
export function answersOf(sources: Sources): Readonly<Record<string, Answer>> {
  const { spans, activity, limits, now } = sources
  return {
    '/traces': (query) => findTraces(spans, traceQuery(query)),
    '/traces/{id}': (query, id) => {
      nothingAsked(query)
      return { traceId: traceIdOf(id), spans: found(spans.spansOf(traceIdOf(id))) }
    },
    '/traces/{id}/joined': (query, id) => {
      nothingAsked(query)
      return found(joinTraces(spans, traceIdOf(id), limits.join))
    },
    '/services': (query) => {
      nothingAsked(query)
      return servicesAnswer(sources)
    },
    '/red': (query) => {
      const { windowS, toMs, service, points } = windowQuery(query, now())
      activity.settle(now())
      return redAnswer(activity, windowOf(toMs, windowS), service, points)
    },
    '/edges': async (query) => {
      const { windowS, toMs } = windowQuery(query, now())
      activity.settle(now())
      const health = (await sources.instances?.health()) ?? new Map()
      return edgesAnswer(activity, windowOf(toMs, windowS), health, waitingIn(sources.metrics, toMs))
    },
    '/edges/totals': (query) => {
      const { windowS, toMs } = windowQuery(query, now())
      activity.settle(now())
      return edgeTotalsAnswer(activity, windowOf(toMs, windowS))
    },
    '/logs': async (query) => {
      const { filter, search } = logQuery(query)
      const toMs = Math.min(search.toMs, search.cursor?.atMs ?? search.toMs)
      const files = await logSources(sources.logDirectory, { instance: filter.instance, toMs })
      return await searchLogs([...files, ...sources.logs.sources(search.fromMs, toMs)], logMatcher(filter), search)
    },
    ...metricAnswers(sources),
    '/logs/rate': (query) => logRate(sources.logDirectory, sources.logs, query, now()),
  }
}

function metricAnswers(sources: Sources): Readonly<Record<string, Answer>> {
  const { metrics, now } = sources
  return {
    '/metrics/query': (query) => metricAnswer(metrics, query, now()),
    '/metrics/query-range': (query) => metricRangeAnswer(metrics, query, now()),
    '/metrics/names': (query) => {
      nothingAsked(query)
      return metricNamesAnswer(metrics, sources.scraper, now())
    },
    '/metrics/targets': (query) => {
      nothingAsked(query)
      return targetsAnswer(sources.scraper, sources.scrapeEveryMs)
    },
    '/levels': (query) => {
      nothingAsked(query)
      return levelsAnswer(sources.levels, metrics, now())
    },
  }
}

/** Messages that wait, by topic and the service that reads it. The map is drawn without them where they can't be had. */
function waitingIn(metrics: MetricStore, atMs: number): (topic: string, service: string) => number | undefined {
  let elements: ReturnType<typeof elementsAt> = []
  try {
    elements = elementsAt(waitingExpression, metrics, atMs)
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error
  }
  const found = new Map(elements.map(({ labels, value }) => [`${labels.topic} ${labels.service}`, value]))
  return (topic, service) => found.get(`${topic} ${service}`)
}

function nothingAsked(query: URLSearchParams): void {
  new Parameters(query).done()
}

/** @throws Problem 404 */
function found<T>(value: T | undefined): T {
  if (value !== undefined) return value
  throw new Problem(404, 'trace_not_found', 'no span of this trace is kept: not arrived yet, dropped, or never sent')
}

/** Those that sent spans within the last hour, and those that discovery knows. */
async function servicesAnswer({ activity, instances, now }: Sources) {
  activity.settle(now())
  const operations = operationsByService(activity)
  const health = (await instances?.health()) ?? new Map<string, { instance: string }[]>()
  return {
    services: [...new Set([...operations.keys(), ...health.keys()])].sort().map((service) => ({
      service,
      instances: (health.get(service) ?? []).map(({ instance }) => instance).sort(),
      operations: operations.get(service) ?? [],
    })),
  }
}
