/**
 * Jaeger's query API, as its own page and Grafana's data source ask it (`/api/services`, `/api/operations`, `/api/traces`,
 * `/api/dependencies`). Times are µs since 1970.
 */
import { operationsByService } from '../activity/answers.ts'
import type { Sources } from '../answers.ts'
import { findTraceIds, type TraceQuery } from '../spans/find-traces.ts'
import type { AttributeValue, Span } from '../spans/span.ts'
import { microsOf } from '../spans/span-store.ts'
import { dependencies } from './dependencies.ts'
import type { ApiAnswer, ApiRoute } from './route.ts'

const limitMax = 1_500
const limitDefault = 100
const lookbackMsDefault = 3_600_000

/** What Jaeger’s page and Grafana’s data source ask (the JSON API of Jaeger’s query service). */
export function jaegerRoutes(sources: Sources): Readonly<Record<string, ApiRoute>> {
  const { activity, spans, now } = sources
  const known = () => {
    activity.settle(now())
    return operationsByService(activity)
  }
  const operationsOf = (service: string) => known().get(service) ?? []
  return {
    '/api/services': () => data([...known().keys()].sort()),
    '/api/services/{id}/operations': (_, service) =>
      data([...new Set(operationsOf(service).map(({ operation }) => operation))].sort()),
    '/api/operations': (query) => {
      const kind = query.get('spanKind')
      const found = operationsOf(query.get('service') ?? '').filter((one) => !kind || one.kind === kind)
      return data(found.map(({ operation, kind: spanKind }) => ({ name: operation, spanKind })))
    },
    '/api/traces': async (query) => {
      const ids = query.getAll('traceID')
      const asked = traceQuery(query)
      if (typeof asked === 'string') return refused(400, asked)
      const found = ids.length > 0 ? ids.slice(0, limitMax).map(padded) : (await findTraceIds(spans, asked)).traceIds
      return data((await spans.spansOfEach(found)).flatMap(traceOf))
    },
    '/api/traces/{id}': (_, id) => {
      if (!/^[0-9a-f]{1,32}$/i.test(id)) return refused(400, "malformed parameter 'traceID'")
      const found = traceOf(spans.spansOf(padded(id)))
      return found.length === 0 ? refused(404, 'trace not found') : data(found)
    },
    '/api/dependencies': (query) => {
      const endMs = Number(query.get('endTs')) || now()
      const lookbackMs = Number(query.get('lookback')) || lookbackMsDefault
      activity.settle(now())
      return data(dependencies(activity, endMs - lookbackMs, endMs + 1).map(({ errorCount: _, ...one }) => one))
    },
  }
}

const data = (found: readonly unknown[]): ApiAnswer => ({
  status: 200,
  body: { data: found, total: found.length, limit: 0, offset: 0, errors: null },
})

const refused = (status: number, msg: string): ApiAnswer => ({
  status,
  body: { data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg }] },
})

/** Jaeger leaves out leading zeroes. */
const padded = (id: string): string => id.toLowerCase().padStart(32, '0')

/** @returns what is wrong, as a text */
function traceQuery(query: URLSearchParams): TraceQuery | string {
  const service = query.get('service')
  if (!service && query.getAll('traceID').length === 0) return "parameter 'service' is required"
  const limit = Math.trunc(Number(query.get('limit') ?? limitDefault)) || limitDefault
  const [from, to] = [query.get('start'), query.get('end')]
  const [least, most] = [msOf(query.get('minDuration')), msOf(query.get('maxDuration'))]
  if (least === null || most === null) return 'cannot parse a duration: it is a number with ns, us, ms, s, m or h'
  const attributes = tagsOf(query)
  if (attributes === undefined) return "malformed 'tags' parameter, expecting a JSON object of strings"
  const { error, ...others } = attributes
  const operation = query.get('operation')
  return {
    ...(service ? { service } : {}),
    ...(operation ? { operation } : {}),
    ...(least === undefined ? {} : { minDurationMs: least }),
    ...(most === undefined ? {} : { maxDurationMs: most }),
    ...(error === undefined ? {} : { error: error === 'true' }),
    ...(from ? { fromMs: Number(from) / 1_000 } : {}),
    ...(to ? { toMs: Number(to) / 1_000 } : {}),
    attributes: others,
    limit: Math.min(limitMax, Math.max(1, limit)),
  }
}

function tagsOf(query: URLSearchParams): Record<string, string> | undefined {
  const tags: Record<string, string> = {}
  for (const tag of query.getAll('tag')) {
    const [, key, value] = /^([^:]+):(.*)$/s.exec(tag) ?? []
    if (key === undefined || value === undefined) return undefined
    tags[key] = value
  }
  try {
    const more = JSON.parse(query.get('tags') ?? '{}') as unknown
    if (typeof more !== 'object' || more === null || Array.isArray(more)) return undefined
    for (const [key, value] of Object.entries(more)) tags[key] = String(value)
  } catch {
    return undefined
  }
  return tags
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const durationCharsMax = 50

/** A duration of Go; null: it isn't one. */
function msOf(text: string | null): number | undefined | null {
  if (text === null || text === '') return undefined
  if (text.length > durationCharsMax) return null
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.map(([part]) => part).join('') !== text) return null
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0)
}

/** A list of one, or of none. */
function traceOf(found: readonly Span[] | undefined): object[] {
  if (found === undefined) return []
  const processes = new Map<string, { id: string; process: object }>()
  const processOf = ({ service, instance }: Span): string => {
    const key = `${service}\0${instance}`
    const tags = instance === '' ? [] : [tagOf('service.instance.id', instance)]
    const known = processes.get(key) ?? { id: `p${processes.size + 1}`, process: { serviceName: service, tags } }
    processes.set(key, known)
    return known.id
  }
  const spans = found.map((span) => spanOf(span, processOf(span)))
  return [
    {
      traceID: found[0]?.traceId,
      spans,
      processes: Object.fromEntries(Array.from(processes.values(), ({ id, process }) => [id, process])),
      warnings: null,
    },
  ]
}

function spanOf(span: Span, processID: string) {
  const startTime = microsOf(span.startTimeUnixNano)
  const own = span.parentSpanId === undefined ? [] : [reference('CHILD_OF', span.traceId, span.parentSpanId)]
  return {
    traceID: span.traceId,
    spanID: span.spanId,
    operationName: span.name,
    references: [...own, ...span.links.map(({ traceId, spanId }) => reference('FOLLOWS_FROM', traceId, spanId))],
    startTime,
    duration: Math.max(0, microsOf(span.endTimeUnixNano) - startTime),
    tags: tagsOfSpan(span),
    logs: span.events.map(({ name, timeUnixNano, attributes }) => ({
      timestamp: microsOf(timeUnixNano),
      fields: [tagOf('event', name), ...Object.entries(attributes).map(([key, value]) => tagOf(key, value))],
    })),
    processID,
    warnings: null,
  }
}

const reference = (refType: string, traceID: string, spanID: string) => ({ refType, traceID, spanID })

function tagsOfSpan({ attributes, kind, status }: Span) {
  const tags = Object.entries(attributes).map(([key, value]) => tagOf(key, value))
  if (kind !== 'internal') tags.push(tagOf('span.kind', kind))
  if (status.code === 'ok') tags.push(tagOf('otel.status_code', 'OK'))
  if (status.code === 'error') tags.push(tagOf('otel.status_code', 'ERROR'), tagOf('error', true))
  if (status.message !== undefined) tags.push(tagOf('otel.status_description', status.message))
  return tags
}

function tagOf(key: string, value: AttributeValue): { key: string; type: string; value: AttributeValue } {
  if (typeof value === 'boolean') return { key, type: 'bool', value }
  if (typeof value === 'number') return { key, type: Number.isInteger(value) ? 'int64' : 'float64', value }
  return { key, type: 'string', value: typeof value === 'string' ? value : JSON.stringify(value) }
}
