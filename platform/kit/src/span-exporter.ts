/** Sends finished spans by OTLP/HTTP in its JSON form (opentelemetry-proto, `ExportTraceServiceRequest`). */
import type { Logger } from './api.ts'
import type { KitEnvironment } from './environment.ts'
import type { FinishedSpan, SpanSink } from './tracing.ts'

export const spanExportLimits = {
  /** Spans waiting to be sent; the oldest are dropped beyond it: traces must never take a service down. */
  spansWaitingMax: 10_000,
  spansPerRequestMax: 1_000,
  flushEveryMs: 500,
  requestTimeoutMs: 3_000,
} as const

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
            startTimeUnixNano: String(span.startUnixNano),
            endTimeUnixNano: String(span.endUnixNano),
            attributes: keyValues(span.attributes),
            links: span.links,
            status: span.error === undefined ? {} : { code: 2, message: span.error },
          })),
        },
      ],
    },
  ],
})

export interface SpanExporter extends SpanSink, AsyncDisposable {
  dropped(): number
}

export const createSpanExporter = (environment: KitEnvironment, url: string, log: () => Logger): SpanExporter => {
  let waiting: FinishedSpan[] = []
  let dropped = 0
  let sending: Promise<void> | undefined
  let away = false

  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, spanExportLimits.spansPerRequestMax)
      try {
        const response = await fetch(new URL('/v1/traces', url), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(otlpRequest(environment, batch)),
          signal: AbortSignal.timeout(spanExportLimits.requestTimeoutMs),
        })
        await response.arrayBuffer()
        if (away) log().info({ url }, 'spans are taken again')
        away = false
        waiting = waiting.slice(batch.length)
      } catch (error) {
        if (!away) log().warn({ url, reason: String(error) }, 'spans wait: the trace collector is away')
        away = true
        return
      }
    }
  }
  const flush = () => {
    sending ??= send().finally(() => {
      sending = undefined
    })
    return sending
  }
  const timer = setInterval(flush, spanExportLimits.flushEveryMs)
  timer.unref()
  return {
    take(span) {
      waiting.push(span)
      if (waiting.length > spanExportLimits.spansWaitingMax) {
        const over = waiting.length - spanExportLimits.spansWaitingMax
        dropped += over
        waiting = waiting.slice(over)
      }
    },
    dropped: () => dropped,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await flush()
    },
  }
}
