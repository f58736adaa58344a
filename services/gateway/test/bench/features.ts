/**
 * What our gateway does beside passing on, as one would add it to a proxy that doesn't: two spans a request by the
 * OpenTelemetry SDK, an access log by pino, a limit a client, a token that was checked before and is remembered.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { pino } from 'pino'
import { RateLimiterMemory } from 'rate-limiter-flexible'

const batches = { maxQueueSize: 50_000, maxExportBatchSize: 1_000, scheduledDelayMillis: 500 }

interface UnderWay {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedAt: number
  readonly span: Span
  readonly onward: Span
  readonly user: string
}

export class Features {
  readonly #tracer
  readonly #log = pino({ base: { service: 'gateway' } }, pino.destination({ dest: 1, sync: true }))
  readonly #limiter = new RateLimiterMemory({ points: 100_000_000, duration: 60 })
  readonly #tokens = new Map<string, { user: string; until: number }>()

  /** @param collector address of an OTLP receiver */
  constructor(collector: string) {
    const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` })
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter, ...batches })] })
    this.#tracer = provider.getTracer('gateway')
  }

  /** Judges a request. @returns headers to go on with it; undefined when it was refused, and answered */
  async begin(request: IncomingMessage, response: ServerResponse): Promise<Record<string, string> | undefined> {
    const startedAt = performance.now()
    const attributes = { 'http.request.method': request.method ?? '', 'url.path': request.url ?? '' }
    const span = this.#tracer.startSpan(
      `${request.method} /orders`,
      { kind: SpanKind.SERVER, attributes },
      ROOT_CONTEXT,
    )
    const user = this.#userOf(request.headers.authorization)
    if (user === undefined) {
      response.writeHead(401).end()
      span.end()
      return undefined
    }
    await this.#limiter.consume(user)
    const within = trace.setSpan(ROOT_CONTEXT, span)
    const onward = this.#tracer.startSpan(
      `${request.method} orders`,
      { kind: SpanKind.CLIENT, attributes: { 'peer.service': 'orders' } },
      within,
    )
    const { traceId, spanId } = onward.spanContext()
    const headers = { 'x-user': user, traceparent: `00-${traceId}-${spanId}-01` }
    response.once('close', () => this.#end({ request, response, startedAt, span, onward, user }))
    return headers
  }

  #userOf(authorization: string | undefined): string | undefined {
    const token = authorization?.startsWith('Bearer ') ? authorization.slice(7) : undefined
    if (token === undefined) return undefined
    const key = hash('sha256', token, 'base64url')
    const known = this.#tokens.get(key)
    if (known !== undefined && known.until > performance.now()) return known.user
    this.#tokens.set(key, { user: 'somebody', until: performance.now() + 30_000 })
    return 'somebody'
  }

  #end({ request, response, startedAt, span, onward, user }: UnderWay): void {
    for (const one of [onward, span]) {
      one.setAttribute('http.response.status_code', response.statusCode)
      if (response.statusCode >= 500) one.setStatus({ code: SpanStatusCode.ERROR })
      one.end()
    }
    const { traceId } = span.spanContext()
    const { method, url: path } = request
    const durationMs = performance.now() - startedAt
    this.#log.info({ traceId, method, path, status: response.statusCode, user, durationMs }, 'request answered')
  }
}
