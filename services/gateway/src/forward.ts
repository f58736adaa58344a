/**
 * A request to the service of its route: an instance by least load of two, the caller's internal token, the breaker and
 * retries of the kit's policy, a spare or a substitute when the service is away (R4.1).
 */
import type { IncomingMessage } from 'node:http'
import { clientAuthorizationHeader } from '@svyaz/contracts/http/oidc.ts'
import {
  createDependency,
  type Dependency,
  deadlineHeader,
  Failure,
  type Metrics,
  type Picked,
  parseTraceparent,
  type Span,
  Unreached,
} from '@svyaz/kit'
import { needsRetryAfter, retryAfterDefault } from '@svyaz/listener'
import { send, standardHeaders } from './answers.ts'
import { ClientReceiver } from './client-receiver.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { appendAnswerHeaders, type Fields, headersToForward, nothingMayLoad } from './headers.ts'
import type { SignedIn } from './introspection.ts'
import type { RequestBody } from './request-body.ts'
import type { GatewayRoute } from './routes.ts'
import type { Receiver } from './upstream/call.ts'
import type { Upstreams } from './upstream/upstreams.ts'

const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** A GET that the gateway makes itself for a request, the answer to which goes elsewhere than straight to the client. */
export interface Ask {
  path: string
  /** With its `?`, or empty. */
  query: string
  /** That go along beside the gateway's own, flat; nothing else of the client's does. */
  headers: readonly string[]
  /** Whose question it is; undefined: nobody's. */
  user: SignedIn | undefined
  receiver: Receiver
  head(status: number, fields: Fields): void
  signal: AbortSignal
  /** Monotonic ms; the route's own time holds too. */
  deadlineAt?: number
}

/** One request on its way to one service; `deadlineAt` in monotonic ms. */
interface Onward {
  exchange: Exchange
  route: GatewayRoute
  service: string
  body: RequestBody
  deadlineAt: number
  /** Undefined: the client's request is passed on, and its answer back. */
  ask: Ask | undefined
}

const noBody: RequestBody = { kind: 'none' }

/** Sends requests on to an instance of their service: balanced, repeated where that is safe, with a breaker a service. */
export class Forward {
  readonly #context: GatewayContext
  readonly #upstreams: Upstreams
  readonly #durations: ReturnType<Metrics['histogram']>
  readonly #substituted: ReturnType<Metrics['counter']>
  readonly #dependencies = new Map<string, Dependency>()

  constructor(context: GatewayContext, upstreams: Upstreams) {
    this.#context = context
    this.#upstreams = upstreams
    this.#durations = context.metrics.histogram(
      'http_client_request_duration_seconds',
      'One try, until the head of the answer',
      ['service', 'method', 'route', 'status'],
    )
    this.#substituted = context.metrics.counter(
      'gateway_substitutes_total',
      'Answers given instead of an absent service',
      ['route', 'by'],
    )
  }

  /** Resolves when the head of an answer is on its way to the client; throws the Failure that it gets instead. */
  async send(exchange: Exchange, route: GatewayRoute, body: RequestBody): Promise<void> {
    const deadlineAt = this.#context.clock.monotonic() + route.timeoutMs
    try {
      await this.#tryAll({ exchange, route, service: route.service, body, deadlineAt, ask: undefined })
    } catch (error) {
      if (!mayStandIn(error, exchange, body)) throw error
      this.substitute(exchange, route, error)
    }
  }

  /** Asks a question of the gateway's own. Resolves when the head of its answer was taken; throws Failure. */
  async ask(exchange: Exchange, route: GatewayRoute, ask: Ask): Promise<void> {
    const deadlineAt = Math.min(
      this.#context.clock.monotonic() + route.timeoutMs,
      ask.deadlineAt ?? Number.POSITIVE_INFINITY,
    )
    await this.#tryAll({ exchange, route, service: route.service, body: noBody, deadlineAt, ask })
  }

  /** The service, and the spare when that is away. */
  async #tryAll(onward: Onward): Promise<void> {
    const { exchange, route, body, ask } = onward
    if (route.spare === undefined) return this.#tryService(onward)
    try {
      return await this.#tryService(onward)
    } catch (error) {
      if (ask === undefined ? !mayStandIn(error, exchange, body) : !isAway(error) || ask.signal.aborted) throw error
    }
    await this.#tryService({ ...onward, service: route.spare })
    this.#substituted.inc({ route: route.prefix, by: 'spare' })
  }

  #tryService(onward: Onward): Promise<void> {
    const { exchange, route, service, body, deadlineAt, ask } = onward
    const signal = ask === undefined ? exchange.gone.signal : ask.signal
    return this.#dependencyOf(route, service).run(
      { repeatable: isRepeatable(exchange, route, body), deadlineAt, signal },
      (attemptNumber) => this.#attempt(onward, attemptNumber),
    )
  }

  #dependencyOf(route: GatewayRoute, service: string): Dependency {
    const name = route.breaker === 'route' ? `http ${service} ${route.prefix}` : `http ${service}`
    const known = this.#dependencies.get(name) ?? createDependency(this.#context, name)
    this.#dependencies.set(name, known)
    return known
  }

  async #attempt(onward: Onward, attemptNumber: number): Promise<void> {
    const { exchange, route, service, ask } = onward
    const method = ask === undefined ? exchange.method : 'GET'
    const { discovery, clock, tracer } = this.#context
    const picked = usable(discovery.pick(service, { unsigned: route.unsigned ?? false }), service)
    exchange.instance = picked.instance.id
    const startedAt = clock.monotonic()
    const call: Try = { ...onward, picked, status: 'none', passedOn: false }
    try {
      await tracer.span(
        `${method} ${route.prefix}`,
        {
          kind: 'client',
          attributes: {
            'http.request.method': method,
            'url.path': ask === undefined ? exchange.target.path : ask.path,
            'peer.service': service,
            'server.address': picked.instance.id,
            'http.request.resend_count': attemptNumber - 1,
          },
        },
        (span) => this.#pass(call, span),
      )
    } catch (error) {
      // Never sent: no fault of the instance.
      if (!call.passedOn) picked.done('ok')
      throw error
    } finally {
      const seconds = (clock.monotonic() - startedAt) / 1000
      this.#durations.observe(seconds, { service, method, route: route.prefix, status: call.status })
    }
  }

  async #pass(call: Try, span: Span): Promise<void> {
    const { exchange, route, service, body, deadlineAt, picked, ask } = call
    const { signer, clock } = this.#context
    const user = ask === undefined ? exchange.user : ask.user
    const token = await (user === undefined ? signer.serviceToken(service) : signer.userToken(service, user))
    const timeoutMs = deadlineAt - clock.monotonic()
    if (timeoutMs <= 0) throw new Failure('deadline_exceeded', `no time was left to ask ${service}`)
    const headers = ask === undefined ? clientHeaders(exchange) : [...ask.headers]
    headers.push(
      'authorization',
      `Bearer ${token}`,
      'via',
      `${exchange.request.httpVersion} svyaz`,
      'x-request-id',
      exchange.requestId,
      'traceparent',
      span.traceparent,
      deadlineHeader,
      String(Math.floor(timeoutMs)),
    )
    const { authorization } = exchange.request.headers
    if (route.passesAuthorization && ask === undefined && authorization !== undefined)
      headers.push(clientAuthorizationHeader, authorization)
    const { path, query } = ask ?? exchange.target
    call.passedOn = true
    await this.#upstreams.send(
      picked.instance,
      { method: ask === undefined ? exchange.method : 'GET', path: path + query, headers, body },
      ask === undefined ? new ClientReceiver(exchange.response) : ask.receiver,
      {
        head(code, fields) {
          call.status = String(code)
          span.set('http.response.status_code', code)
          if (ask === undefined) exchange.response.writeHead(code, answerHeaders(exchange, route, code, fields))
          else ask.head(code, fields)
        },
        over: (outcome, code) => picked.done(hasNoRoom(route, code) ? 'ok' : outcome),
      },
      { timeoutMs, signal: ask === undefined ? exchange.gone.signal : ask.signal },
    )
  }

  /** Answers in place of a service that is away. @throws Failure the given one, where the route has no such answer */
  substitute(exchange: Exchange, route: GatewayRoute, failure: Failure): void {
    const instead = route.substitute
    if (instead === undefined) throw failure
    this.#substituted.inc({ route: route.prefix, by: 'answer' })
    exchange.failure = failure
    const type =
      instead.headers['content-type'] ?? (typeof instead.body === 'string' ? 'text/plain' : 'application/json')
    const headers = Object.entries({ 'cache-control': 'no-store', ...instead.headers, 'content-type': type }).flat()
    const body = typeof instead.body === 'string' ? instead.body : JSON.stringify(instead.body)
    send(exchange, instead.status, headers, body)
  }
}

/** One try at one instance. */
interface Try extends Onward {
  picked: Picked
  /** As the metric has it. */
  status: string
  /** Whether the client towards services has it: what went wrong before that doesn't count against the instance. */
  passedOn: boolean
}

/** The client's own that may go on, and where it came from. */
const clientHeaders = ({ request, clientAddress }: Exchange): string[] => {
  const headers = headersToForward(request.rawHeaders, request.headers.connection)
  headers.push(
    'x-forwarded-for',
    clientAddress,
    'x-forwarded-proto',
    isEncrypted(request) ? 'https' : 'http',
    'x-forwarded-host',
    request.headers.host ?? '',
  )
  return headers
}

const isEncrypted = ({ socket }: IncomingMessage): boolean => 'encrypted' in socket && socket.encrypted === true

/** A 204 has no length (RFC 9110, 8.6); whoever believes one would wait for a body. */
const lengths: ReadonlySet<string> = new Set(['content-length'])

/** A service's fields as the client gets them, with the gateway's own. */
export const answerHeaders = (exchange: Exchange, route: GatewayRoute, status: number, fields: Fields): string[] => {
  const all = standardHeaders(exchange)
  const { cacheControl } = appendAnswerHeaders(all, fields, status === 204 ? lengths : undefined)
  const policy = route.pages ? fields['content-security-policy'] : undefined
  all.push(...(typeof policy === 'string' ? ['content-security-policy', policy] : nothingMayLoad))
  // A foreign service may not say it.
  if (needsRetryAfter(status) && fields['retry-after'] === undefined) all.push('retry-after', String(retryAfterDefault))
  // What was made for one user is nobody else's (RFC 9111, 3.5 leaves that to us).
  if (!cacheControl && exchange.user !== undefined) all.push('cache-control', 'no-store')
  return all
}

const isAway = (error: unknown): error is Failure => error instanceof Failure && error.code === 'unavailable'

/** Whether something else may answer: the service is away, and the client has seen and lost nothing yet. */
const mayStandIn = (error: unknown, exchange: Exchange, body: RequestBody): error is Failure =>
  isAway(error) &&
  !exchange.gone.signal.aborted &&
  !exchange.response.headersSent &&
  !(body.kind === 'stream' && body.started())

const usable = (picked: Picked | undefined, service: string): Picked => {
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
  // A key that stays on this hop reaches nobody who would know it again.
  const { connection = '', 'idempotency-key': key } = exchange.request.headers
  return route.retry === 'keyed' && key !== undefined && !/idempotency-key/i.test(connection)
}

/** The client's trace goes on only if it is well formed (W3C Trace Context, 3.2). */
export const parentOf = (traceparent: string | string[] | undefined): string | undefined =>
  typeof traceparent === 'string' && parseTraceparent(traceparent) !== undefined ? traceparent : undefined
