/** Sends finished spans on in batches, in whatever form its collector takes. */
import type { Logger } from '../api.ts'
import type { KitEnvironment } from '../process/environment.ts'
import { otlpRequest } from './otlp.ts'
import { judgeSpanAnswer, type SpanAnswer } from './span-answer.ts'
import type { FinishedSpan, SpanSink } from './tracing.ts'
import { zipkinRequest } from './zipkin.ts'

export const spanExportLimits = {
  /** Spans waiting to be sent; the oldest are dropped beyond it: traces must never take a service down. */
  spansWaitingMax: 50_000,
  spansPerRequestMax: 1_000,
  flushEveryMs: 500,
  requestTimeoutMs: 3_000,
  /** Of an answer: more is not read. */
  answerCharsMax: 4_096,
} as const

/** A way to write spans down: where they are posted, and the body. */
export interface SpanFormat {
  path: string
  /** JSON. */
  body(environment: KitEnvironment, spans: readonly FinishedSpan[]): string
  /** Whether the keys of OTEL_EXPORTER_OTLP_HEADERS are meant for it. */
  keyed: boolean
}

export const spanFormats = {
  /** OTLP/HTTP in its JSON form: the OpenTelemetry Collector, Jaeger, our own telemetry. */
  otlp: { path: '/v1/traces', body: otlpRequest, keyed: true },
  /** Zipkin's API, version 2. */
  zipkin: {
    path: '/api/v2/spans',
    body: (environment, spans) => JSON.stringify(zipkinRequest(environment, spans)),
    keyed: false,
  },
} as const satisfies Record<string, SpanFormat>

export interface SpanExporter extends SpanSink, AsyncDisposable {
  /** Spans that no collector has: given up because it was away too long, or refused by it. */
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
 * @param url its base, which may have a path of its own; the format's path comes behind it
 */
export const createSpanExporter = (
  environment: KitEnvironment,
  url: string,
  log: () => Logger,
  format: SpanFormat = spanFormats.otlp,
): SpanExporter => new BatchExporter(environment, url, log, format)

type Trouble = 'none' | 'away' | 'refused'

class BatchExporter implements SpanExporter {
  readonly #environment: KitEnvironment
  readonly #format: SpanFormat
  readonly #log: () => Logger
  readonly #url: string
  readonly #headers: Record<string, string>
  /** Runs while spans wait, and then alone: a service at rest has none to send. */
  #timer: NodeJS.Timeout | undefined
  #waiting: FinishedSpan[] = []
  #dropped = 0
  #sending: Promise<void> | undefined
  #notBeforeMs = 0
  #trouble: Trouble = 'none'

  constructor(environment: KitEnvironment, url: string, log: () => Logger, format: SpanFormat) {
    this.#environment = environment
    this.#format = format
    this.#log = log
    this.#url = url.replace(/\/+$/, '') + format.path
    this.#headers = { ...(format.keyed ? environment.otlpHeaders : {}), 'content-type': 'application/json' }
  }

  take(span: FinishedSpan): void {
    this.#waiting.push(span)
    this.#flushSoon()
    if (this.#waiting.length <= spanExportLimits.spansWaitingMax) return
    // Many at a time: moving the rest for each would take the service down after all.
    this.#dropped += spanExportLimits.spansPerRequestMax
    this.#waiting = this.#waiting.slice(spanExportLimits.spansPerRequestMax)
  }

  dropped(): number {
    return this.#dropped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flush()
    clearTimeout(this.#timer)
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#flush()
    }, spanExportLimits.flushEveryMs).unref()
  }

  #flush(): Promise<void> {
    if (performance.now() >= this.#notBeforeMs) {
      this.#sending ??= this.#sendAll().finally(() => {
        this.#sending = undefined
        if (this.#waiting.length > 0) this.#flushSoon()
      })
      return this.#sending
    }
    if (this.#waiting.length > 0) this.#flushSoon()
    return Promise.resolve()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, spanExportLimits.spansPerRequestMax)
      this.#waiting = this.#waiting.slice(batch.length)
      const answer = await this.#post(batch)
      this.#say(answer)
      if (answer.kind === 'taken') this.#dropped += answer.rejected
      else if (answer.kind === 'refused') this.#dropped += batch.length
      else {
        this.#waiting = [...batch, ...this.#waiting]
        if (answer.afterMs !== undefined) this.#notBeforeMs = performance.now() + answer.afterMs
        return
      }
    }
  }

  async #post(batch: readonly FinishedSpan[]): Promise<SpanAnswer> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: this.#headers,
        body: this.#format.body(this.#environment, batch),
        // A key goes to the collector that was named, not to where it sends us.
        redirect: 'manual',
        signal: AbortSignal.timeout(spanExportLimits.requestTimeoutMs),
      })
      const body = (await response.text()).slice(0, spanExportLimits.answerCharsMax)
      return judgeSpanAnswer(
        { status: response.status, retryAfter: response.headers.get('retry-after'), body },
        Date.now(),
      )
    } catch (error) {
      return { kind: 'again', why: String(error), afterMs: undefined }
    }
  }

  /** A line at each change, not for each batch. */
  #say(answer: SpanAnswer): void {
    const trouble: Trouble =
      answer.kind === 'again' ? 'away' : answer.kind === 'refused' || answer.rejected > 0 ? 'refused' : 'none'
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    const about = { url: this.#url, reason: answer.why }
    if (trouble === 'none') this.#log().info({ url: this.#url }, 'spans are taken again')
    else if (trouble === 'away') this.#log().warn(about, 'spans wait: the trace collector is away')
    else this.#log().warn(about, 'spans are lost: the trace collector refuses them')
  }
}
