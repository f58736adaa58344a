/**
 * Zipkin's v2 API, as its page (Lens) and Grafana's data source ask it. Names of services and spans are in small letters
 * there; times are µs since 1970, those of queries ms.
 */
import { operationsByService } from '../activity/answers.ts'
import type { Sources } from '../answers.ts'
import { findTraceIds, type TraceQuery } from '../spans/find-traces.ts'
import type { AttributeValue, Span } from '../spans/span.ts'
import { microsOf } from '../spans/span-store.ts'
import { dependencies } from './dependencies.ts'
import type { ApiAnswer, ApiRoute } from './route.ts'

const limitMax = 500
const annotationCharsMax = 1_000
const lookbackMsDefault = 24 * 3_600_000

const lower = (names: Iterable<string>): string[] =>
  [...new Set(Iterator.from(names).map((name) => name.toLowerCase()))].sort()
const ok = (body: unknown): ApiAnswer => ({ status: 200, body })

/** Zipkin’s v2 API: what its page and Grafana’s data source ask. */
export function zipkinRoutes(sources: Sources): Readonly<Record<string, ApiRoute>> {
  const { activity, spans, now } = sources
  const known = () => {
    activity.settle(now())
    return operationsByService(activity)
  }
  /** As it was sent: here it comes in small letters. */
  const servicesCalled = (name: string) => [...known()].filter(([own]) => own.toLowerCase() === name)
  const operationCalled = (name: string) =>
    Iterator.from(activity.operations.names()).find(({ operation }) => operation.toLowerCase() === name)?.operation
  return {
    '/api/v2/services': () => ok(lower(known().keys())),
    '/api/v2/spans': (query) =>
      ok(lower(servicesCalled(nameIn(query)).flatMap(([, own]) => own.map(({ operation }) => operation)))),
    '/api/v2/remoteServices': (query) => {
      const called = dependencies(activity, 0, now() + 1).filter(({ parent }) => parent.toLowerCase() === nameIn(query))
      return ok(lower(called.map(({ child }) => child)))
    },
    '/api/v2/traces': async (query) => {
      const asked = traceQuery(query, now(), (name) => servicesCalled(name)[0]?.[0], operationCalled)
      if (typeof asked === 'string') return { status: 400, body: asked }
      const { traceIds } = await findTraceIds(spans, asked)
      return ok((await spans.spansOfEach(traceIds)).map((found) => found.map(zipkinSpan)))
    },
    '/api/v2/trace/{id}': (_, id) => {
      if (!/^[0-9a-f]{1,32}$/i.test(id)) return { status: 400, body: `${id} is not a lower-hex string` }
      const found = spans.spansOf(id.toLowerCase().padStart(32, '0'))
      return found === undefined ? { status: 404, body: `${id} not found` } : ok(found.map(zipkinSpan))
    },
    '/api/v2/traceMany': async (query) => {
      const ids = (query.get('traceIds') ?? '').split(',').slice(0, limitMax)
      const found = await spans.spansOfEach(ids.map((id) => id.toLowerCase().padStart(32, '0')))
      return ok(found.map((own) => own.map(zipkinSpan)))
    },
    '/api/v2/dependencies': (query) => {
      const endMs = Number(query.get('endTs')) || now()
      activity.settle(now())
      const found = dependencies(activity, endMs - (Number(query.get('lookback')) || lookbackMsDefault), endMs + 1)
      return ok(found.map(({ errorCount, ...one }) => (errorCount === 0 ? one : { ...one, errorCount })))
    },
    '/api/v2/autocompleteKeys': () => ok([]),
    '/api/v2/autocompleteValues': () => ok([]),
  }
}

const nameIn = (query: URLSearchParams): string => (query.get('serviceName') ?? '').toLowerCase()

/** @returns what is wrong, as a text */
function traceQuery(
  query: URLSearchParams,
  nowMs: number,
  serviceCalled: (name: string) => string | undefined,
  operationCalled: (name: string) => string | undefined,
): TraceQuery | string {
  const number = (name: string) => (query.get(name) ? Number(query.get(name)) : undefined)
  const [limit = 10, least, most, endMs = nowMs, lookbackMs = lookbackMsDefault] = [
    ...['limit', 'minDuration', 'maxDuration', 'endTs', 'lookback'].map(number),
  ]
  for (const value of [limit, least ?? 0, most ?? 0, endMs, lookbackMs])
    if (!Number.isFinite(value)) return 'a parameter is not a number'
  const service = nameIn(query)
  const operation = query.get('spanName')
  const { error, ...attributes } = annotationsOf(query.get('annotationQuery') ?? '')
  return {
    // Nobody is called so: nothing is found.
    ...(service === '' || service === 'all' ? {} : { service: serviceCalled(service) ?? service }),
    ...(operation === null || operation === '' || operation === 'all'
      ? {}
      : { operation: operationCalled(operation.toLowerCase()) ?? operation }),
    ...(least === undefined ? {} : { minDurationMs: least / 1_000 }),
    ...(most === undefined ? {} : { maxDurationMs: most / 1_000 }),
    ...(error === undefined ? {} : { error: true }),
    fromMs: endMs - lookbackMs,
    toMs: endMs,
    attributes,
    limit: Math.min(limitMax, Math.max(1, Math.trunc(limit))),
  }
}

/** `key=value and other=value and error`. */
function annotationsOf(text: string): Record<string, string> {
  const parts = text
    .slice(0, annotationCharsMax)
    .split(/\s+and\s+/i)
    .filter((part) => part !== '')
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    }),
  )
}

const textOf = (value: AttributeValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

function zipkinSpan(span: Span) {
  const { attributes, status } = span
  const timestamp = microsOf(span.startTimeUnixNano)
  const remote = attributes['peer.service'] ?? attributes['db.system'] ?? attributes['messaging.system']
  const tags: Record<string, string> = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, textOf(value)]),
  )
  if (status.code === 'error') tags.error = status.message ?? 'true'
  return {
    traceId: span.traceId,
    ...(span.parentSpanId === undefined ? {} : { parentId: span.parentSpanId }),
    id: span.spanId,
    ...(span.kind === 'internal' ? {} : { kind: span.kind.toUpperCase() }),
    name: span.name.toLowerCase(),
    timestamp,
    // Zipkin has no span without a duration.
    duration: Math.max(1, microsOf(span.endTimeUnixNano) - timestamp),
    localEndpoint: { serviceName: span.service.toLowerCase() },
    ...(remote === undefined ? {} : { remoteEndpoint: { serviceName: textOf(remote).toLowerCase() } }),
    ...(span.events.length === 0
      ? {}
      : {
          annotations: span.events.map(({ name, timeUnixNano }) => ({
            timestamp: microsOf(timeUnixNano),
            value: name,
          })),
        }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  }
}
