/**
 * What platform/telemetry answers to whoever looks: one table of routes (`telemetryRoutes`), each with the schema of its
 * query and of its reply, and the frames of its WebSocket. All are `GET` and read only; errors are problem+json with a
 * `code`. The process itself imports none of this, it can be published alone: lab/whole/telemetry.test.ts holds it to it.
 *
 * Times: `…AtMs` and `from`, `to` are milliseconds since 1970 (a query may have RFC 3339 instead), spans keep OTLP's
 * nanoseconds as decimal strings. Durations say their unit. Every list is bounded; `complete: false` says that one was cut.
 */
import { z } from 'zod'

const traceId = z.string().regex(/^[0-9a-f]{32}$/)
const spanId = z.string().regex(/^[0-9a-f]{16}$/)
const nanos = z.string().regex(/^\d+$/)
const count = z.int().min(0)
const ms = z.number().min(0)
/** Milliseconds since 1970, or RFC 3339. */
const time = z.string().regex(/^\d{1,15}$|^\d{4}-\d\d-\d\d/)
const number = z.string().regex(/^\d+(\.\d+)?$/)
const whole = z.string().regex(/^\d{1,7}$/)
const labels = z.record(z.string(), z.string())

export const spanKind = z.enum(['internal', 'server', 'client', 'producer', 'consumer'])
const attributes = z.record(z.string(), z.json())
const reference = z.strictObject({ traceId, spanId })

export const telemetrySpan = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  name: z.string(),
  kind: spanKind,
  service: z.string(),
  instance: z.string(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  status: z.strictObject({ code: z.enum(['unset', 'ok', 'error']), message: z.string().optional() }),
  links: z.array(reference),
  events: z.array(z.strictObject({ name: z.string(), timeUnixNano: nanos, attributes })),
})

export const traceSummary = z.strictObject({
  traceId,
  /** Of the root, or of the earliest span when the root isn't kept. */
  name: z.string(),
  service: z.string(),
  startTimeUnixNano: nanos,
  durationMs: ms,
  spanCount: count,
  errorCount: count,
  services: z.array(z.string()),
})

/** What a span must be for its trace to be found; all that are given must hold for one and the same span. */
const tracesQuery = z.strictObject({
  service: z.string().optional(),
  operation: z.string().optional(),
  kind: spanKind.optional(),
  minDurationMs: number.optional(),
  maxDurationMs: number.optional(),
  error: z.enum(['true', 'false']).optional(),
  /** The id of an order, anywhere in the trace: in a path, a subject, an attribute. */
  order: z.string().optional(),
  /** The id of an event (`messaging.message.id`). */
  event: z.string().optional(),
  /** `key=value`; repeat it for more. Values are compared as text. */
  tag: z.union([z.string(), z.array(z.string())]).optional(),
  from: time.optional(),
  to: time.optional(),
  /** 1 to 500; 50 when left out. */
  limit: whole.optional(),
})
const tracesReply = z.strictObject({
  /** Newest first. */
  traces: z.array(traceSummary),
  /** false: the search ended at its bound. Ask again with `to` = `searchedBackToMs`. */
  complete: z.boolean(),
  searchedBackToMs: z.int().nullable(),
})

const traceReply = z.strictObject({ traceId, spans: z.array(telemetrySpan) })
/** The trace with all that its links lead to, both ways, nearest first. */
const joinedReply = z.strictObject({
  traceId,
  traces: z.array(z.strictObject({ traceId, distance: count, spanCount: count })),
  spans: z.array(telemetrySpan),
  links: z.array(z.strictObject({ from: reference, to: reference })),
  missing: z.array(reference),
  truncated: z.boolean(),
})

const servicesReply = z.strictObject({
  services: z.array(
    z.strictObject({
      service: z.string(),
      instances: z.array(z.string()),
      operations: z.array(z.strictObject({ operation: z.string(), kind: spanKind })),
    }),
  ),
})

/** Rate, errors and duration over a window. Quantiles are within 10 % of the truth. */
const red = {
  count,
  ratePerSecond: z.number().min(0),
  errors: count,
  errorRatio: z.number().min(0).max(1),
  meanMs: ms,
  p50Ms: ms,
  p90Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
  maxMs: ms,
}
const redPoint = z.strictObject({ atMs: z.int(), count, errors: count, meanMs: ms, p95Ms: ms })

/** How an edge speaks; `message`: through a topic. */
export const edgeProtocol = z.enum(['http', 'grpc', 'websocket', 'message', 'sql', 'mongodb', 'mail', 'other'])
export const nodeKind = z.enum(['client', 'service', 'topic', 'database', 'external'])
/** `service:orders`, `topic:orders.events`, `database:orders`, `external:…`, `client`. */
const nodeId = z.string()

const window = {
  /** Seconds, 10 to 3,600; 300 when left out. Rounded up to whole tens. */
  windowS: whole.optional(),
  /** End of the window; now when left out. An hour back is kept. */
  to: time.optional(),
}
const redQuery = z.strictObject({
  ...window,
  service: z.string().optional(),
  /** Points of ten seconds each, for every row: give a `service` with it. */
  points: z.enum(['true', 'false']).optional(),
})
const redReply = z.strictObject({
  fromMs: z.int(),
  toMs: z.int(),
  windowS: z.int(),
  /** By service, operation and kind. */
  operations: z.array(
    z.strictObject({
      service: z.string(),
      operation: z.string(),
      kind: spanKind,
      ...red,
      points: z.array(redPoint).optional(),
    }),
  ),
  /** By caller and callee. */
  edges: z.array(
    z.strictObject({ from: nodeId, to: nodeId, protocol: edgeProtocol, ...red, points: z.array(redPoint).optional() }),
  ),
})

const instanceState = z.strictObject({
  instance: z.string(),
  status: z.enum(['passing', 'warning', 'critical']),
})
const edgesQuery = z.strictObject(window)
const edgesReply = z.strictObject({
  fromMs: z.int(),
  toMs: z.int(),
  windowS: z.int(),
  nodes: z.array(
    z.strictObject({
      id: nodeId,
      kind: nodeKind,
      name: z.string(),
      /** What comes in: requests, messages, statements. */
      ...red,
      /** From discovery, for services; empty where it is not known. */
      instances: z.array(instanceState),
    }),
  ),
  edges: z.array(
    z.strictObject({
      from: nodeId,
      to: nodeId,
      protocol: edgeProtocol,
      ...red,
      /** Topic → consumer: messages that wait, where it is known. */
      waiting: z.number().min(0).optional(),
    }),
  ),
})

/** How much passed over all edges, in steps: for a line of time. */
const edgeTotalsReply = z.strictObject({
  fromMs: z.int(),
  toMs: z.int(),
  stepMs: z.int(),
  /** Oldest first; steps in which nothing passed are left out. */
  totals: z.array(z.strictObject({ atMs: z.int(), count, errors: count })),
})

export const logLevel = z.enum(['debug', 'info', 'warn', 'error'])
export const logLine = z.strictObject({
  /** Tells it from all others; a cursor too. */
  id: z.string(),
  atMs: z.int(),
  level: logLevel,
  service: z.string(),
  instance: z.string(),
  text: z.string(),
  traceId: traceId.optional(),
  spanId: spanId.optional(),
  /** What else the line says. */
  fields: z.record(z.string(), z.json()),
})
const logFilter = {
  /** This level or a graver one. */
  level: logLevel.optional(),
  /** Somewhere in the line, in any case. */
  text: z.string().optional(),
  service: z.string().optional(),
  instance: z.string().optional(),
  trace: traceId.optional(),
}
const logsQuery = z.strictObject({
  ...logFilter,
  from: time.optional(),
  to: time.optional(),
  /** `next` of the answer before: goes on with older lines. */
  cursor: z.string().optional(),
  /** 1 to 1,000; 200 when left out. */
  limit: whole.optional(),
})
const logsReply = z.strictObject({
  /** Newest first. */
  lines: z.array(logLine),
  /** null: there is nothing older. */
  next: z.string().nullable(),
  /** Files that couldn't be read, and why; absent when all could. */
  unreadable: z.array(z.string()).optional(),
})
/** For a bar above the lines. */
const logRateQuery = z.strictObject({ ...logFilter, from: time.optional(), to: time.optional() })
const logRateReply = z.strictObject({
  stepMs: z.int(),
  complete: z.boolean(),
  buckets: z.array(z.strictObject({ atMs: z.int(), debug: count, info: count, warn: count, error: count })),
})

/** A number of Prometheus; infinities and NaN, which JSON doesn't have, are null. */
const value = z.number().nullable()
const metricQuery = z.strictObject({ query: z.string(), time: time.optional() })
const metricReply = z.strictObject({
  atMs: z.int(),
  series: z.array(z.strictObject({ labels, value })),
})
const metricRangeQuery = z.strictObject({
  query: z.string(),
  /** An hour back when left out. */
  from: time.optional(),
  to: time.optional(),
  /** Seconds; a 120th of the range when left out. At most 11,000 points. */
  stepS: whole.optional(),
})
const metricRangeReply = z.strictObject({
  fromMs: z.int(),
  toMs: z.int(),
  stepMs: z.int(),
  series: z.array(z.strictObject({ labels, points: z.array(z.tuple([z.int(), value])) })),
})
const metricNamesReply = z.strictObject({
  metrics: z.array(z.strictObject({ name: z.string(), type: z.string(), help: z.string(), series: count })),
})
const targetsReply = z.strictObject({
  intervalMs: z.int(),
  targets: z.array(
    z.strictObject({
      labels,
      url: z.string(),
      up: z.boolean(),
      lastAtMs: z.int().nullable(),
      durationMs: ms.nullable(),
      samples: count,
      error: z.string().optional(),
    }),
  ),
})

export const levelVerdict = z.enum(['met', 'missed', 'no data'])
export const levelView = z.strictObject({
  id: z.string(),
  what: z.string(),
  objective: z.strictObject({ at: z.enum(['most', 'least']), value: z.number(), unit: z.string() }),
  window: z.string(),
  load: z.string(),
  denominator: z.string().optional(),
  severity: z.enum(['critical', 'warning']),
  runbook: z.string(),
  samplesMin: count,
  expression: z.string(),
  /** The worst of its series. */
  verdict: levelVerdict,
  series: z.array(z.strictObject({ of: z.string(), value, samples: z.number(), verdict: levelVerdict })),
  /** null: not judged often enough yet. */
  budget: z
    .strictObject({
      /** What `spent` is a share of: the period, and how much of it may be missed. */
      periodMs: z.int(),
      allowedRatio: z.number(),
      missedRatio: z.number(),
      /** 1: all of it is spent. */
      spent: z.number().min(0),
      /** How fast it goes: 1 spends it in exactly the period. */
      burn: z.array(z.strictObject({ window: z.string(), rate: z.number().min(0).nullable() })),
    })
    .nullable(),
  /** Why it can't be judged over what there is; there is no verdict then. */
  fault: z.string().optional(),
})
const levelsReply = z.strictObject({ atMs: z.int(), levels: z.array(levelView) })

const nothing = z.strictObject({})

/** Every route; `{traceId}` is a parameter of the path. */
export const telemetryRoutes = {
  traces: { path: '/traces', query: tracesQuery, reply: tracesReply },
  trace: { path: '/traces/{traceId}', query: nothing, reply: traceReply },
  joined: { path: '/traces/{traceId}/joined', query: nothing, reply: joinedReply },
  services: { path: '/services', query: nothing, reply: servicesReply },
  red: { path: '/red', query: redQuery, reply: redReply },
  edges: { path: '/edges', query: edgesQuery, reply: edgesReply },
  edgeTotals: { path: '/edges/totals', query: edgesQuery, reply: edgeTotalsReply },
  logs: { path: '/logs', query: logsQuery, reply: logsReply },
  logRate: { path: '/logs/rate', query: logRateQuery, reply: logRateReply },
  metric: { path: '/metrics/query', query: metricQuery, reply: metricReply },
  metricRange: { path: '/metrics/query-range', query: metricRangeQuery, reply: metricRangeReply },
  metricNames: { path: '/metrics/names', query: nothing, reply: metricNamesReply },
  targets: { path: '/metrics/targets', query: nothing, reply: targetsReply },
  levels: { path: '/levels', query: nothing, reply: levelsReply },
} as const

/**
 * `GET /live`, a WebSocket. The client says what it wants, and may say it again: that takes the place of what it said
 * before. Each kind then comes at most twice a second, in groups, and only while somebody listens; who reads too slowly
 * misses groups and is told how many lines or spans.
 */
export const liveWish = z.strictObject({
  edges: z.boolean().optional(),
  /** An empty object: all lines. */
  logs: z.strictObject(logFilter).optional(),
  health: z.boolean().optional(),
})
export const liveFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('edges'),
    atMs: z.int(),
    /** What passed since the group before. */
    edges: z.array(
      z.strictObject({ from: nodeId, to: nodeId, protocol: edgeProtocol, count, errors: count, meanMs: ms }),
    ),
  }),
  z.strictObject({ type: z.literal('logs'), atMs: z.int(), lines: z.array(logLine), dropped: count }),
  z.strictObject({
    type: z.literal('health'),
    atMs: z.int(),
    services: z.array(z.strictObject({ service: z.string(), instances: z.array(instanceState) })),
  }),
  z.strictObject({ type: z.literal('fault'), detail: z.string() }),
])

export type TelemetrySpan = z.infer<typeof telemetrySpan>
export type TraceSummary = z.infer<typeof traceSummary>
export type LogLine = z.infer<typeof logLine>
export type LevelView = z.infer<typeof levelView>
export type LiveWish = z.infer<typeof liveWish>
export type LiveFrame = z.infer<typeof liveFrame>
/** What the route of this name answers. */
export type TelemetryReply<Name extends keyof typeof telemetryRoutes> = z.infer<(typeof telemetryRoutes)[Name]['reply']>
