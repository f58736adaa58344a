/**
 * Between whom a span passed, read from its attributes (OpenTelemetry's semantic conventions). Pure. A node is named by
 * its kind and its name: `service:orders`, `topic:orders.events`, `database:orders`, `external:smtp.example.org`, and
 * `client` for whoever came without a trace.
 */
import type { AttributeValue, Span } from '../spans/span.ts'

export type EdgeProtocol = 'http' | 'grpc' | 'websocket' | 'message' | 'sql' | 'mongodb' | 'mail' | 'other'
export type Edge = { readonly from: string; readonly to: string; readonly protocol: EdgeProtocol }

/** `exit`, `entry`: half of an edge, whose other half is the span's child or its parent. */
export type EdgeOfSpan = Edge | 'exit' | 'entry' | undefined

const text = (value: AttributeValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** @returns the edge that the span shows; which half of one; or undefined for what stays inside a service */
export function edgeOfSpan(span: Span): EdgeOfSpan {
  const own = `service:${span.service}`
  const topic = text(span.attributes['messaging.destination.name'])
  switch (span.kind) {
    case 'client':
      return edgeOfClient(span, own)
    case 'producer':
      return topic === undefined ? 'exit' : { from: own, to: `topic:${topic}`, protocol: 'message' }
    case 'consumer':
      return topic === undefined ? 'entry' : { from: `topic:${topic}`, to: own, protocol: 'message' }
    case 'server':
      return span.parentSpanId === undefined ? { from: 'client', to: own, protocol: protocolOf(span) } : 'entry'
    default:
      return undefined
  }
}

function edgeOfClient(span: Span, from: string): EdgeOfSpan {
  const { attributes } = span
  const database = text(attributes['db.system']) ?? text(attributes['db.system.name'])
  if (database !== undefined) {
    // Without a name it is the service's own.
    const name = text(attributes['db.namespace']) ?? text(attributes['db.name']) ?? span.service
    return { from, to: `database:${name}`, protocol: database === 'mongodb' ? 'mongodb' : 'sql' }
  }
  const peer = text(attributes['peer.service'])
  if (peer !== undefined) return { from, to: `service:${peer}`, protocol: protocolOf(span) }
  if (attributes['mail.message_id'] !== undefined) return { from, to: 'external:mail', protocol: 'mail' }
  return 'exit'
}

/** Of a call. */
export function protocolOf({ attributes }: Span): EdgeProtocol {
  if (attributes['rpc.system'] !== undefined) return 'grpc'
  if (attributes['network.protocol.name'] === 'websocket' || attributes['messaging.system'] === 'websocket')
    return 'websocket'
  return attributes['http.request.method'] !== undefined || attributes['http.method'] !== undefined ? 'http' : 'other'
}

/** The callee of an exit that nobody met: as the span names it. */
export function outsideOf({ attributes }: Span): string | undefined {
  const address = text(attributes['server.address']) ?? text(attributes['net.peer.name'])
  return address === undefined ? undefined : `external:${URL.parse(address)?.host ?? address}`
}
