/** Spans as OTLP/HTTP takes them, in its JSON form (opentelemetry-proto, `ExportTraceServiceRequest`). Pure. */
import type { KitEnvironment } from './environment.ts'
import type { FinishedSpan } from './tracing.ts'

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

type AttributeValue = string | number | boolean
const anyValue = (value: AttributeValue) =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'boolean'
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value }
const keyValues = (attributes: Record<string, AttributeValue>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))

/** The OTLP JSON of a batch of spans of one process. */
export const otlpRequest = (environment: KitEnvironment, spans: readonly FinishedSpan[]): object => ({
  resourceSpans: [
    {
      resource: {
        attributes: keyValues({
          'service.name': environment.service,
          'service.instance.id': environment.instance,
          'deployment.environment.name': environment.profile,
        }),
      },
      scopeSpans: [
        {
          scope: { name: '@svyaz/kit' },
          spans: spans.map((span) => ({
            traceId: span.traceId,
            spanId: span.spanId,
            ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
            name: span.name,
            kind: kinds[span.kind],
            startTimeUnixNano: `${span.startMicros}000`,
            endTimeUnixNano: `${span.endMicros}000`,
            attributes: keyValues(span.attributes),
            links: span.links,
            status: span.error === undefined ? {} : { code: 2, message: span.error },
          })),
        },
      ],
    },
  ],
})
