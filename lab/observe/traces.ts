/** The spans of a trace, reduced to what proofs look at. */

export interface Hop {
  readonly service: string
  readonly instance: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly name: string
  readonly over: 'http' | 'grpc' | 'sql' | 'topic' | 'mail' | 'websocket' | 'other'
  /** Service of the parent span. */
  readonly from?: string
  /** Full gRPC method, or the HTTP route. */
  readonly what?: string
  readonly status?: number
  /** Whom a client span called: an instance. */
  readonly called?: string
  readonly topic?: string
  readonly group?: string
  readonly event?: string
  readonly eventId?: string
  readonly attempt?: number
}

/** A span as the telemetry process answers it. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: Hop['kind']
  readonly service: string
  readonly instance?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
}

/** What the telemetry process answers to a trace's id. */
export interface JoinedTrace {
  readonly spans: readonly Span[]
  /** Spans that others name as their parent, and that have not come. */
  readonly missing: readonly unknown[]
  readonly truncated: boolean
}

/** The spans of a trace as hops; each knows the service of its parent. */
export function hopsOf(spans: readonly Span[]): Hop[] {
  const services = new Map(spans.map((span) => [span.spanId, span.service]))
  return spans.map((span) => {
    const text = (name: string) => (span.attributes[name] === undefined ? undefined : String(span.attributes[name]))
    const number = (name: string) => (span.attributes[name] === undefined ? undefined : Number(span.attributes[name]))
    return defined({
      service: span.service,
      instance: span.instance ?? span.service,
      kind: span.kind,
      name: span.name,
      over: wayOf(span),
      from: services.get(span.parentSpanId ?? ''),
      what: text('rpc.method') ?? text('http.route'),
      status: number('http.response.status_code') ?? number('rpc.grpc.status_code'),
      called: text('server.address'),
      topic: text('messaging.destination.name'),
      group: text('messaging.consumer.group.name'),
      event: text('svyaz.event.type'),
      eventId: text('messaging.message.id'),
      attempt: number('rpc.attempt') ?? number('http.request.resend_count'),
    })
  })
}

function wayOf({ attributes, name }: Span): Hop['over'] {
  if (attributes['rpc.system'] === 'grpc') return 'grpc'
  if ('http.request.method' in attributes) return 'http'
  if ('db.system' in attributes) return 'sql'
  if ('messaging.system' in attributes) return 'topic'
  if ('mail.message_id' in attributes) return 'mail'
  return name.startsWith('websocket') ? 'websocket' : 'other'
}

const defined = (hop: { [K in keyof Hop]: Hop[K] | undefined }): Hop =>
  Object.fromEntries(Object.entries(hop).filter(([, value]) => value !== undefined)) as unknown as Hop

/** A gRPC method was called by that service and answered by that one. */
export const calledOverGrpc = (hops: readonly Hop[], caller: string, callee: string, method: string): boolean =>
  hops.some(
    (hop) =>
      hop.kind === 'server' &&
      hop.over === 'grpc' &&
      hop.service === callee &&
      hop.from === caller &&
      hop.what?.endsWith(`/${method}`) === true,
  )

/** A route was asked by that service and answered by that one. */
export const calledOverHttp = (hops: readonly Hop[], caller: string, callee: string, route: string): boolean =>
  hops.some(
    (hop) =>
      hop.kind === 'server' &&
      hop.over === 'http' &&
      hop.service === callee &&
      hop.from === caller &&
      hop.what === route,
  )
