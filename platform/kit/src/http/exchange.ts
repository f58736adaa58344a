/** One request from its first header to its last byte: span, deadline, metrics and the log line. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { deadlineHeader } from '../calls/deadline.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
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
  const startedAt = core.clock.monotonic()
  const route = request.routeOptions.config.handler?.route.path
  const path = request.url.split('?', 1)[0] ?? '/'
  const asked = askedDeadlineMs(request.headers[deadlineHeader])
  const answerMs = Math.min(asked ?? bounds.answerMsDefault, bounds.answerMsMax)
  const abort = new AbortController()
  const timer = setTimeout(
    () => abort.abort(new Failure('deadline_exceeded', `no answer within ${answerMs} ms`)),
    answerMs,
  )
  const closed = new Promise<void>((resolve) => reply.raw.once('close', resolve))
  let failure: Failure | undefined
  let traceId = ''
  let inContext: <T>(work: () => T) => T = (work) => work()
  const durations = core.metrics.histogram(
    'http_server_request_duration_seconds',
    'From the first header to the last byte of the answer',
    ['method', 'route', 'status'],
  )

  const parent = request.headers.traceparent
  const method = request.method
  void core.tracer
    .span(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: 'server',
        attributes: {
          'http.request.method': method,
          'url.path': path,
          ...(route === undefined ? {} : { 'http.route': route }),
        },
        ...(typeof parent === 'string' ? { parent } : {}),
      },
      async (span) => {
        traceId = span.traceId
        inContext = AsyncLocalStorage.snapshot()
        await closed
        clearTimeout(timer)
        const complete = reply.raw.writableFinished
        if (!complete) abort.abort(new Failure('unavailable', 'the caller went away'))
        ended()
        const status = complete ? reply.raw.statusCode : callerLeft
        const seconds = (core.clock.monotonic() - startedAt) / 1000
        durations.observe(seconds, { method, route: route ?? 'unmatched', status: String(status) })
        span.set('http.response.status_code', status)
        const durationMs = Math.round(seconds * 1e6) / 1000
        logEnd(core, { status, failure }, { method, path, route, durationMs, caller: callerLabel(request) })
        if (status >= 500) throw failure ?? new Error(`status ${status}`)
      },
    )
    // The span is marked; the error itself was answered and logged above.
    .catch(() => undefined)

  const { signal } = abort
  return {
    get traceId() {
      return traceId
    },
    deadlineAt: startedAt + answerMs,
    signal,
    run: (work) => inContext(work),
    async beforeDeadline(work) {
      signal.throwIfAborted()
      let stop: (() => void) | undefined
      const late = new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason)
        signal.addEventListener('abort', stop, { once: true })
      })
      try {
        return await Promise.race([work(), late])
      } finally {
        if (stop !== undefined) signal.removeEventListener('abort', stop)
      }
    },
    liftDeadline: () => clearTimeout(timer),
    endStream: () => abort.abort(new Failure('unavailable', 'the service is shutting down')),
    failed(error) {
      failure = error
    },
    working: false,
  }
}

const callerLabel = (request: FastifyRequest): string | undefined => {
  const caller = request.callerAdmitted
  if (caller === undefined) return undefined
  return caller.kind === 'user' ? `user ${caller.userId}` : caller.kind === 'service' ? caller.service : caller.kind
}
