/** Sends finished spans on in batches, in whatever form its collector takes. */
import type { Logger } from '../api.ts'
import { KeptHttp } from '../calls/kept-http.ts'
import type { KitEnvironment } from '../process/environment.ts'
import { otlpFrame, otlpSpan } from './otlp.ts'
import { judgeSpanAnswer, type SpanAnswer } from './span-answer.ts'
import { SpanBatch } from './span-batch.ts'
import type { FinishedSpan, SpanSink } from './tracing.ts'
import { zipkinFrame, zipkinSpan } from './zipkin.ts'

export const spanExportLimits = {
  /** Spans waiting to be sent; the oldest are dropped beyond it: traces must never take a service down. */
  spansWaitingMax: 50_000,
  spansPerRequestMax: 1_000,
  flushEveryMs: 500,
  requestTimeoutMs: 3_000,
  /** An unused connection to the collector is closed after so long. */
  idleMs: 30_000,
  /** Of an answer: more is not read. */
  answerCharsMax: 4_096,
} as const

/** A way to write spans down, in JSON: where they are posted, a span, and what stands around them. */
export interface SpanFormat {
  path: string
  frame(environment: KitEnvironment): { readonly head: string; readonly tail: string }
  span(environment: KitEnvironment, span: FinishedSpan): string
  /** Whether the keys of OTEL_EXPORTER_OTLP_HEADERS are meant for it. */
  keyed: boolean
}

export const spanFormats = {
  /** OTLP/HTTP in its JSON form: the OpenTelemetry Collector, Jaeger, our own telemetry. */
  otlp: { path: '/v1/traces', frame: otlpFrame, span: (_, span) => otlpSpan(span), keyed: true },
  /** Zipkin's API, version 2. */
  zipkin: {
    path: '/api/v2/spans',
    frame: () => zipkinFrame,
    span: zipkinSpan,
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
  readonly #collector: KeptHttp
  readonly #headers: Readonly<Record<string, string>>
  /** Runs while spans wait, and then alone: a service at rest has none to send. */
  #timer: NodeJS.Timeout | undefined
  /** Full ones, oldest first, and the one that is being filled. What is under way to the collector is in neither. */
  readonly #full: SpanBatch[] = []
  #filling: SpanBatch | undefined
  #spansWaiting = 0
  #dropped = 0
  #sending: Promise<void> | undefined
  #notBeforeMs = 0
  #trouble: Trouble = 'none'

  constructor(environment: KitEnvironment, url: string, log: () => Logger, format: SpanFormat) {
    this.#environment = environment
    this.#format = format
    this.#log = log
    this.#url = url.replace(/\/+$/, '') + format.path
    // A key goes to the collector that was named, not to where it sends us: redirects aren't followed.
    this.#headers = { ...(format.keyed ? environment.otlpHeaders : {}), 'content-type': 'application/json' }
    const { answerCharsMax, idleMs } = spanExportLimits
    this.#collector = new KeptHttp(this.#url, { connectionsMax: 1, answerCharsMax, idleMs })
  }

  take(span: FinishedSpan): void {
    this.#filling ??= new SpanBatch(this.#format.frame(this.#environment))
    this.#filling.add(this.#format.span(this.#environment, span))
    this.#spansWaiting += 1
    this.#flushSoon()
    if (this.#filling.spans < spanExportLimits.spansPerRequestMax) return
    this.#full.push(this.#filling)
    this.#filling = undefined
    if (this.#spansWaiting > spanExportLimits.spansWaitingMax) this.#dropped += this.#oldest(false)?.spans ?? 0
    // A full one goes at once: sent together with its neighbours every half second they would hold up everything else.
    void this.#flush(false)
  }

  dropped(): number {
    return this.#dropped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#sending
    await this.#flush(true)
    clearTimeout(this.#timer)
    this.#collector.close()
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#flush(true)
    }, spanExportLimits.flushEveryMs).unref()
  }

  /** @param all also the batch that is being filled */
  #flush(all: boolean): Promise<void> {
    if (performance.now() >= this.#notBeforeMs) {
      this.#sending ??= this.#send(all).finally(() => {
        this.#sending = undefined
        if (this.#spansWaiting > 0) this.#flushSoon()
      })
      return this.#sending
    }
    if (this.#spansWaiting > 0) this.#flushSoon()
    return Promise.resolve()
  }

  async #send(all: boolean): Promise<void> {
    for (let batch = this.#oldest(all); batch !== undefined; batch = this.#oldest(all)) {
      const answer = await this.#post(batch)
      this.#say(answer)
      if (answer.kind === 'taken') this.#dropped += answer.rejected
      else if (answer.kind === 'refused') this.#dropped += batch.spans
      else {
        this.#full.unshift(batch)
        this.#spansWaiting += batch.spans
        if (answer.afterMs !== undefined) this.#notBeforeMs = performance.now() + answer.afterMs
        return
      }
    }
  }

  /** Takes the oldest full batch out; `all`: else the one that is being filled. */
  #oldest(all: boolean): SpanBatch | undefined {
    let batch = this.#full.shift()
    if (batch === undefined && all) {
      batch = this.#filling
      this.#filling = undefined
    }
    this.#spansWaiting -= batch?.spans ?? 0
    return batch
  }

  async #post(batch: SpanBatch): Promise<SpanAnswer> {
    try {
      const { requestTimeoutMs: timeoutMs } = spanExportLimits
      const asked = { method: 'POST', headers: this.#headers, body: batch.body(), timeoutMs } as const
      return judgeSpanAnswer(await this.#collector.send(asked), Date.now())
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
