/** Sends finished spans on in batches, in whatever form its collector takes. */
import type { Logger } from './api.ts'
import type { KitEnvironment } from './environment.ts'
import { otlpRequest } from './otlp.ts'
import type { FinishedSpan, SpanSink } from './tracing.ts'
import { zipkinRequest } from './zipkin.ts'

export const spanExportLimits = {
  /** Spans waiting to be sent; the oldest are dropped beyond it: traces must never take a service down. */
  spansWaitingMax: 50_000,
  spansPerRequestMax: 1_000,
  flushEveryMs: 500,
  requestTimeoutMs: 3_000,
} as const

/** A way to write spans down: where they are posted, and the body. */
export interface SpanFormat {
  path: string
  /** JSON. */
  body(environment: KitEnvironment, spans: readonly FinishedSpan[]): string
}

export const spanFormats = {
  /** OTLP/HTTP in its JSON form: the OpenTelemetry Collector, Jaeger, our own telemetry. */
  otlp: { path: '/v1/traces', body: otlpRequest },
  /** Zipkin's API, version 2. */
  zipkin: {
    path: '/api/v2/spans',
    body: (environment, spans) => JSON.stringify(zipkinRequest(environment, spans)),
  },
} as const satisfies Record<string, SpanFormat>

export interface SpanExporter extends SpanSink, AsyncDisposable {
  dropped(): number
}

/** Every span goes to each. */
export const toEach = (exporters: readonly SpanExporter[]): SpanExporter => ({
  take(span) {
    for (const exporter of exporters) exporter.take(span)
  },
  dropped: () => exporters.reduce((sum, exporter) => sum + exporter.dropped(), 0),
  async [Symbol.asyncDispose]() {
    await Promise.all(exporters.map((exporter) => exporter[Symbol.asyncDispose]()))
  },
})

/** The exporters that the environment asks for: none, OTLP, Zipkin, or both. */
export const exportersOf = (environment: KitEnvironment, log: () => Logger): SpanExporter | undefined => {
  const { otlpUrl, zipkinUrl } = environment
  const exporters = [
    ...(otlpUrl ? [createSpanExporter(environment, otlpUrl, log, spanFormats.otlp)] : []),
    ...(zipkinUrl ? [createSpanExporter(environment, zipkinUrl, log, spanFormats.zipkin)] : []),
  ]
  return exporters.length === 0 ? undefined : toEach(exporters)
}

/**
 * Sends spans to a collector in batches.
 * @param url its base; the path comes from `format`
 */
export const createSpanExporter = (
  environment: KitEnvironment,
  url: string,
  log: () => Logger,
  format: SpanFormat = spanFormats.otlp,
): SpanExporter => {
  let waiting: FinishedSpan[] = []
  let dropped = 0
  let sending: Promise<void> | undefined
  let away = false

  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, spanExportLimits.spansPerRequestMax)
      waiting = waiting.slice(batch.length)
      try {
        const response = await fetch(new URL(format.path, url), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: format.body(environment, batch),
          signal: AbortSignal.timeout(spanExportLimits.requestTimeoutMs),
        })
        await response.arrayBuffer()
        if (away) log().info({ url }, 'spans are taken again')
        away = false
      } catch (error) {
        waiting = [...batch, ...waiting]
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
      if (waiting.length <= spanExportLimits.spansWaitingMax) return
      // Many at a time: moving the rest for each would take the service down after all.
      dropped += spanExportLimits.spansPerRequestMax
      waiting = waiting.slice(spanExportLimits.spansPerRequestMax)
    },
    dropped: () => dropped,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await flush()
    },
  }
}
