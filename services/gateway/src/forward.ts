/**
 * A request to the service of its route: an instance by least load of two, the caller's internal token, the breaker and
 * retries of the kit's policy, a spare or a substitute when the service is away (R4.1).
 */
import {
  createDependency,
  type Dependency,
  deadlineHeader,
  Failure,
  type Picked,
  parseTraceparent,
  Unreached,
} from '@svyaz/kit'
import { needsRetryAfter, retryAfterDefault } from '@svyaz/listener'
import { send, standardHeaders } from './answers.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { appendAnswerHeaders, headersToForward, nothingMayLoad } from './headers.ts'
import type { RequestBody } from './request-body.ts'
import type { GatewayRoute } from './routes.ts'
import type { UpstreamAnswer, Upstreams } from './upstream.ts'

/** Resolves when the head of an answer is on its way to the client; throws the Failure that it gets instead. */
export type Forward = (exchange: Exchange, route: GatewayRoute, body: RequestBody) => Promise<void>

const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/**
 * Sends a request on to an instance of its service: balanced, repeated where that is safe, with a breaker a service.
 */
export const createForward = (context: GatewayContext, upstreams: Upstreams): Forward => {
  const { clock, discovery, signer, tracer, metrics } = context
  const durations = metrics.histogram('http_client_request_duration_seconds', 'One try, until the head of the answer', [
    'service',
    'method',
    'route',
    'status',
  ])
  const substituted = metrics.counter('gateway_substitutes_total', 'Answers given instead of an absent service', [
    'route',
    'by',
  ])
  const dependencies = new Map<string, Dependency>()
  const dependencyOf = (route: GatewayRoute, service: string): Dependency => {
    const name = route.breaker === 'route' ? `http ${service} ${route.prefix}` : `http ${service}`
    const known = dependencies.get(name) ?? createDependency(context, name)
    dependencies.set(name, known)
    return known
  }

  const attempt = async (
    exchange: Exchange,
    route: GatewayRoute,
    service: string,
    body: RequestBody,
    deadlineAt: number,
    attemptNumber: number,
  ): Promise<void> => {
    const { method, response, user } = exchange
    const picked = pick(discovery.pick(service, { unsigned: route.unsigned ?? false }), service)
    const { instance } = picked
    exchange.instance = instance.id
    const startedAt = clock.monotonic()
    let status = 'none'
    let passedOn = false
    try {
      await tracer.span(
        `${method} ${route.prefix}`,
        {
          kind: 'client',
          attributes: {
            'http.request.method': method,
            'url.path': exchange.target.path,
            'peer.service': service,
            'server.address': instance.id,
            'http.request.resend_count': attemptNumber - 1,
          },
        },
        async (span) => {
          const token = await (user === undefined ? signer.serviceToken(service) : signer.userToken(service, user))
          const timeoutMs = deadlineAt - clock.monotonic()
          if (timeoutMs <= 0) throw new Failure('deadline_exceeded', `no time was left to ask ${service}`)
          const headers = headersToForward(exchange.request.rawHeaders, exchange.request.headers.connection)
          headers.push(
            'authorization',
            `Bearer ${token}`,
            'x-forwarded-for',
            exchange.clientAddress,
            'x-forwarded-proto',
            'http',
            'x-forwarded-host',
            exchange.request.headers.host ?? '',
            'via',
            '1.1 svyaz',
            'x-request-id',
            exchange.requestId,
            'traceparent',
            span.traceparent,
            deadlineHeader,
            String(Math.floor(timeoutMs)),
          )
          const answer: UpstreamAnswer = {
            head(code, fields) {
              status = String(code)
              span.set('http.response.status_code', code)
              const all = standardHeaders(exchange)
              const { cacheControl } = appendAnswerHeaders(all, fields)
              all.push(...nothingMayLoad)
              // A foreign service may not say it.
              if (needsRetryAfter(code) && fields['retry-after'] === undefined)
                all.push('retry-after', String(retryAfterDefault))
              // What was made for one user is nobody else's (RFC 9111, 3.5 leaves that to us).
              if (!cacheControl && user !== undefined) all.push('cache-control', 'no-store')
              response.writeHead(code, all)
            },
            over: (outcome, code) => picked.done(hasNoRoom(route, code) ? 'ok' : outcome),
          }
          passedOn = true
          await upstreams.send(
            instance,
            { method, path: exchange.target.path + exchange.target.query, headers, body },
            response,
            answer,
            { timeoutMs, signal: exchange.gone.signal },
          )
        },
      )
    } catch (error) {
      // Never sent: no fault of the instance.
      if (!passedOn) picked.done('ok')
      throw error
    } finally {
      const seconds = (clock.monotonic() - startedAt) / 1000
      durations.observe(seconds, { service, method, route: route.prefix, status })
    }
  }

  const tryService = (
    exchange: Exchange,
    route: GatewayRoute,
    service: string,
    body: RequestBody,
    deadlineAt: number,
  ) =>
    dependencyOf(route, service).run(
      { repeatable: isRepeatable(exchange, route, body), deadlineAt, signal: exchange.gone.signal },
      (attemptNumber) => attempt(exchange, route, service, body, deadlineAt, attemptNumber),
    )

  return async (exchange, route, body) => {
    const deadlineAt = clock.monotonic() + route.timeoutMs
    const standIn = (error: unknown): boolean =>
      error instanceof Failure &&
      error.code === 'unavailable' &&
      !exchange.gone.signal.aborted &&
      !exchange.response.headersSent &&
      !(body.kind === 'stream' && body.started())
    try {
      return await tryService(exchange, route, route.service, body, deadlineAt)
    } catch (error) {
      if (!standIn(error)) throw error
      if (route.spare === undefined) return substitute(exchange, route, error as Failure)
    }
    try {
      await tryService(exchange, route, route.spare, body, deadlineAt)
      substituted.inc({ route: route.prefix, by: 'spare' })
    } catch (error) {
      if (!standIn(error)) throw error
      substitute(exchange, route, error as Failure)
    }
  }

  function substitute(exchange: Exchange, route: GatewayRoute, failure: Failure): void {
    const instead = route.substitute
    if (instead === undefined) throw failure
    substituted.inc({ route: route.prefix, by: 'answer' })
    exchange.failure = failure
    const type =
      instead.headers['content-type'] ?? (typeof instead.body === 'string' ? 'text/plain' : 'application/json')
    const headers = Object.entries({ 'cache-control': 'no-store', ...instead.headers, 'content-type': type }).flat()
    const body = typeof instead.body === 'string' ? instead.body : JSON.stringify(instead.body)
    send(exchange, instead.status, headers, body)
  }
}

const pick = (picked: Picked | undefined, service: string): Picked => {
  if (picked === undefined) throw new Unreached(`no instance of ${service} is there now`, { tried: false })
  if (picked.instance.ports.http !== undefined) return picked
  picked.done('ok')
  throw new Unreached(`${picked.instance.id} has no HTTP port`, { tried: false })
}

/** An operation that is judged apart and is full says nothing about what else its instance can do. */
const hasNoRoom = (route: GatewayRoute, status: number | undefined): boolean =>
  route.breaker === 'route' && status === 503

const isRepeatable = (exchange: Exchange, route: GatewayRoute, body: RequestBody): boolean => {
  if (route.retry === 'unreached' || body.kind === 'stream') return false
  if (idempotentMethods.has(exchange.method)) return true
  return route.retry === 'keyed' && exchange.request.headers['idempotency-key'] !== undefined
}

/** The client's trace goes on only if it is well formed (W3C Trace Context, 3.2). */
export const parentOf = (traceparent: string | string[] | undefined): string | undefined =>
  typeof traceparent === 'string' && parseTraceparent(traceparent) !== undefined ? traceparent : undefined
