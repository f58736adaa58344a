/** One request from its first header to its last byte: span, deadline, metrics and the log line. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Span } from '../api.ts'
import { deadlineHeader } from '../calls/deadline.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { firstOf } from '../process/waiting.ts'
import { callerLeft, endOfExchange } from './end-of-exchange.ts'

export interface Exchange {
  readonly traceId: string
  /** Monotonic ms. */
  readonly deadlineAt: number | undefined
  /** Aborts at the deadline and when the caller goes away. */
  readonly signal: AbortSignal
  /** Runs `work` in the async context of the request's span. */
  run<T>(work: () => T): T
  /** The result of `work`, or the Failure `deadline_exceeded` when it takes longer than the caller waits. */
  beforeDeadline<T>(work: () => Promise<T>): Promise<T>
  /** A stream lives as long as its reader, or until `endStream`. */
  liftDeadline(): void
  /** Tells a stream's source, by the signal, that the service is shutting down. */
  endStream(): void
  failed(failure: Failure): void
  /** It is complete and counts among those in flight; set by the server. */
  working: boolean
}

/** The header's value in ms; anything that is not a whole number is as if it were not there. */
export const askedDeadlineMs = (header: string | string[] | undefined): number | undefined =>
  typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : undefined

const asError = (cause: unknown) => (cause instanceof Error ? cause : undefined)

const logEnd = (core: Core, fields: { status: number; failure: Failure | undefined }, rest: object) => {
  const { status, failure } = fields
  const line = { ...rest, status, ...(failure === undefined ? {} : { code: failure.code }) }
  const { how, level } = endOfExchange(status, failure)
  if (failure === undefined || how === 'answered') return core.log[level](line, `request ${how}`)
  const why =
    how === 'broke'
      ? { err: failure.cause ?? failure }
      : { detail: failure.detail, cause: asError(failure.cause)?.message }
  core.log[level]({ ...line, ...why }, `request ${how}`)
}

/** Opens the span and starts the clock; `ended` is called once when the response is closed. */
export const beginExchange = (
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  bounds: { answerMsDefault: number; answerMsMax: number },
  ended: () => void,
): Exchange => {
  const exchange = new RequestExchange(core, request, reply, bounds)
  exchange.open(ended)
  return exchange
}

class RequestExchange implements Exchange {
  readonly deadlineAt: number
  working = false
  traceId = ''
  readonly #core: Core
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #startedAt: number
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  #failure: Failure | undefined
  #inContext: <T>(work: () => T) => T = (work) => work()

  constructor(
    core: Core,
    request: FastifyRequest,
    reply: FastifyReply,
    bounds: { answerMsDefault: number; answerMsMax: number },
  ) {
    this.#core = core
    this.#request = request
    this.#reply = reply
    this.#startedAt = core.clock.monotonic()
    const asked = askedDeadlineMs(request.headers[deadlineHeader])
    const answerMs = Math.min(asked ?? bounds.answerMsDefault, bounds.answerMsMax)
    this.deadlineAt = this.#startedAt + answerMs
    this.#timer = setTimeout(
      () => this.#abort.abort(new Failure('deadline_exceeded', `no answer within ${answerMs} ms`)),
      answerMs,
    )
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The span is open until the response is closed. */
  open(ended: () => void): void {
    const { method, headers, routeOptions } = this.#request
    const route = routeOptions.config.handler?.route.path
    const attributes = {
      'http.request.method': method,
      'url.path': pathOf(this.#request),
      ...(route === undefined ? {} : { 'http.route': route }),
    }
    const parent = headers.traceparent
    const options = { kind: 'server', attributes, ...(typeof parent === 'string' ? { parent } : {}) } as const
    const closed = new Promise<void>((resolve) => this.#reply.raw.once('close', resolve))
    void this.#core.tracer
      .span(route === undefined ? method : `${method} ${route}`, options, async (span) => {
        this.traceId = span.traceId
        this.#inContext = AsyncLocalStorage.snapshot()
        await closed
        this.#close(span, ended)
      })
      // The span is marked; the error itself was answered and logged above.
      .catch(() => undefined)
  }

  run<T>(work: () => T): T {
    return this.#inContext(work)
  }

  async beforeDeadline<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.#abort
    signal.throwIfAborted()
    return await firstOf(work(), signal)
  }

  liftDeadline(): void {
    clearTimeout(this.#timer)
  }

  endStream(): void {
    this.#abort.abort(new Failure('unavailable', 'the service is shutting down'))
  }

  failed(failure: Failure): void {
    this.#failure = failure
  }

  /** @throws Error when the service is to blame, which marks the span */
  #close(span: Span, ended: () => void): void {
    const { clock, metrics } = this.#core
    const { method, routeOptions } = this.#request
    const route = routeOptions.config.handler?.route.path
    const failure = this.#failure
    clearTimeout(this.#timer)
    const complete = this.#reply.raw.writableFinished
    if (!complete) this.#abort.abort(new Failure('unavailable', 'the caller went away'))
    ended()
    const status = complete ? this.#reply.raw.statusCode : callerLeft
    const seconds = (clock.monotonic() - this.#startedAt) / 1000
    const durations = metrics.histogram(
      'http_server_request_duration_seconds',
      'From the first header to the last byte of the answer',
      ['method', 'route', 'status'],
    )
    durations.observe(seconds, { method, route: route ?? 'unmatched', status: String(status) })
    span.set('http.response.status_code', status)
    const durationMs = Math.round(seconds * 1e6) / 1000
    const path = pathOf(this.#request)
    logEnd(this.#core, { status, failure }, { method, path, route, durationMs, caller: callerLabel(this.#request) })
    if (status >= 500) throw failure ?? new Error(`status ${status}`)
  }
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/'

const callerLabel = (request: FastifyRequest): string | undefined => {
  const caller = request.callerAdmitted
  if (caller === undefined) return undefined
  return caller.kind === 'user' ? `user ${caller.userId}` : caller.kind === 'service' ? caller.service : caller.kind
}
