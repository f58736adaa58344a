/**
 * Spans as Zipkin's API, version 2, takes them. Pure. Zipkin has no links (they become tags), knows no internal kind
 * (it is left out), and takes tags as strings and times in whole µs of at least 1.
 */
import type { KitEnvironment } from '../process/environment.ts'
import type { FinishedSpan } from './tracing.ts'

const kinds = { internal: undefined, server: 'SERVER', client: 'CLIENT', producer: 'PRODUCER', consumer: 'CONSUMER' }

/** The list that Zipkin takes. */
export const zipkinFrame = { head: '[', tail: ']' } as const

/** One span of this process. */
export const zipkinSpan = (environment: KitEnvironment, span: FinishedSpan): string =>
  JSON.stringify({
    traceId: span.traceId,
    id: span.spanId,
    ...(span.parentSpanId ? { parentId: span.parentSpanId } : {}),
    name: span.name,
    ...(kinds[span.kind] ? { kind: kinds[span.kind] } : {}),
    timestamp: span.startMicros,
    duration: Math.max(1, span.endMicros - span.startMicros),
    localEndpoint: { serviceName: environment.service },
    tags: {
      'service.instance.id': environment.instance,
      ...Object.fromEntries(Object.entries(span.attributes).map(([name, value]) => [name, String(value)])),
      ...Object.fromEntries(span.links.map((link, index) => [`link.${index}`, `${link.traceId}-${link.spanId}`])),
      ...(span.error === undefined ? {} : { error: span.error }),
    },
  })
