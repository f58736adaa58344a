/**
 * A trace as hops: who asked whom, which event went into which topic and who took it, what reached the user. Pure. Of
 * the three hundred spans of an order most are SQL statements: they are counted where they were made.
 */
import type { CallHop, EventHop, Hop, Statements, Taken } from '../../protocol.ts'

/** As platform/telemetry answers it; only what is read here. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: string
  readonly service: string
  readonly instance: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: string; readonly message?: string }
}

/** In the order of their beginning. */
export function hopsOf(spans: readonly Span[]): Hop[] {
  const children = Map.groupBy(spans, (span) => span.parentSpanId ?? '')
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const taken = Map.groupBy(
    spans.filter((span) => span.kind === 'consumer'),
    (span) => String(span.attributes['messaging.message.id']),
  )
  const published = new Set<string>()
  const hops: Hop[] = []
  for (const span of spans) {
    if (span.kind === 'server' && span.parentSpanId === undefined) hops.push(entrance(span, children))
    else if (isCall(span)) hops.push({ ...call(span, children), ...causeOf(span, byId) })
    else if (span.kind === 'producer' && 'messaging.destination.name' in span.attributes) {
      const eventId = String(span.attributes['messaging.message.id'])
      // Sent twice because the first answer was lost: one event all the same.
      if (published.has(eventId)) continue
      published.add(eventId)
      hops.push({ ...event(span, eventId, taken.get(eventId) ?? [], children), ...causeOf(span, byId) })
    } else if (span.kind === 'producer' && span.name === 'websocket send')
      hops.push({ ...common(span), kind: 'frame', from: span.service, ...causeOf(span, byId) })
  }
  // Taken, but its sending isn't here: the publisher died before it could tell.
  for (const [eventId, takers] of taken) {
    const [first] = takers
    if (published.has(eventId) || first === undefined) continue
    const topic = String(first.attributes['messaging.destination.name'])
    hops.push(event({ ...first, service: topic.split('.')[0] ?? '', instance: '' }, eventId, takers, children))
  }
  return hops.sort((a, b) => a.atMs - b.atMs)
}

type Children = ReadonlyMap<string, readonly Span[]>

const atMs = (span: Span): number => Number(BigInt(span.startTimeUnixNano) / 1_000n) / 1_000
const durationMs = (span: Span): number =>
  Math.max(0, Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6)

const common = (span: Span) => ({
  key: span.spanId,
  traceId: span.traceId,
  atMs: atMs(span),
  durationMs: durationMs(span),
  ...errorOf(span),
})

const errorOf = ({ status }: Span) =>
  status.code === 'error' ? { error: (status.message ?? 'failed').slice(0, 300) } : {}

/** The processor is outside: it makes no spans, and the caller names no peer. */
const isCall = (span: Span): boolean =>
  span.kind === 'client' &&
  ('rpc.system' in span.attributes ||
    'http.request.method' in span.attributes ||
    span.name === 'send mail' ||
    /^(?:GET|POST) \//.test(span.name))

function call(span: Span, children: Children): CallHop {
  const { attributes } = span
  const answered = children.get(span.spanId)?.find((child) => child.kind === 'server')
  const mail = span.name === 'send mail'
  const peer = attributes['peer.service']
  const status = attributes['http.response.status_code']
  const toInstance = answered?.instance ?? attributes['server.address']
  return {
    ...common(span),
    kind: 'call',
    protocol: mail ? 'smtp' : 'rpc.system' in attributes ? 'grpc' : 'http',
    from: span.service,
    fromInstance: span.instance,
    to: mail ? 'mail-sink' : typeof peer === 'string' ? peer : 'payment-processor',
    ...(typeof peer === 'string' && typeof toInstance === 'string' ? { toInstance } : {}),
    name: mail ? 'mail' : span.name.replace(/^[\w.]*\.(\w+\/\w+)$/, '$1'),
    ...(status === undefined ? {} : { status: String(status) }),
    ...statements(answered, children),
  }
}

/** The first request of all: from the user to the gateway. */
function entrance(span: Span, children: Children): CallHop {
  const status = span.attributes['http.response.status_code']
  return {
    ...common(span),
    kind: 'call',
    protocol: 'rpc.system' in span.attributes ? 'grpc' : 'http',
    from: 'user',
    fromInstance: '',
    to: span.service,
    toInstance: span.instance,
    name: span.name,
    ...(status === undefined ? {} : { status: String(status) }),
    ...statements(span, children),
  }
}

function event(span: Span, eventId: string, takers: readonly Span[], children: Children): EventHop {
  const { attributes } = span
  const partition = attributes['messaging.destination.partition.id']
  const offset = attributes['messaging.kafka.offset']
  return {
    ...common(span),
    key: eventId,
    kind: 'event',
    from: span.service,
    fromInstance: span.instance,
    topic: String(attributes['messaging.destination.name']),
    type: String(attributes['svyaz.event.type'] ?? ''),
    eventId,
    ...(partition === undefined ? {} : { partition: String(partition) }),
    ...(typeof offset === 'number' ? { offset } : {}),
    taken: takers
      // A group that was undone: its records were taken one by one afterwards.
      .filter((taker) => taker.attributes['svyaz.outcome'] !== 'undone')
      .map(
        (taker): Taken => ({
          by: taker.service,
          instance: taker.instance,
          atMs: atMs(taker),
          durationMs: durationMs(taker),
          attempt: Number(taker.attributes['svyaz.attempt'] ?? 1),
          deduplicated: taker.attributes['svyaz.deduplicated'] === true,
          ...statements(taker, children),
          ...errorOf(taker),
        }),
      )
      .sort((a, b) => a.atMs - b.atMs),
  }
}

/** The event in whose handling the span was made: the nearest consumer above it. */
function causeOf(span: Span, byId: ReadonlyMap<string, Span>): { cause?: string } {
  let above = byId.get(span.parentSpanId ?? '')
  for (let depth = 0; above !== undefined && above.kind !== 'consumer' && depth < 12; depth += 1)
    above = byId.get(above.parentSpanId ?? '')
  const eventId = above?.kind === 'consumer' ? above.attributes['messaging.message.id'] : undefined
  return typeof eventId === 'string' ? { cause: eventId } : {}
}

/** Of the work itself, not of what it asked others to do. */
function statements(span: Span | undefined, children: Children): { sql?: Statements } {
  if (span === undefined) return {}
  let count = 0
  let ms = 0
  const visit = (parent: string, depth: number) => {
    for (const child of children.get(parent) ?? []) {
      if ('db.system' in child.attributes) {
        const operation = String(child.attributes['db.operation'])
        if (operation !== 'BEGIN' && operation !== 'COMMIT') count += 1
        ms += durationMs(child)
      } else if (child.kind === 'internal' && depth < 8) visit(child.spanId, depth + 1)
    }
  }
  visit(span.spanId, 0)
  return count === 0 ? {} : { sql: { count, ms } }
}
