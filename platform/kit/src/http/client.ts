/**
 * Calls to other services over HTTP by their contracts: an instance from discovery, a token of our own, deadline and
 * trace in the headers, breaker and retries from resilience.ts. Errors come back as the Failure that the service meant.
 */
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import type { Pool } from 'undici'
import type { DiscoveryClient, HttpClient, Instance, Metrics, Span, TokenSigner } from '../api.ts'
import { deadlineFor, deadlineHeader } from '../calls/deadline.ts'
import {
  type CallPolicy,
  callPolicy,
  createDependency,
  type Dependency,
  isOutage,
  Unreached,
} from '../calls/resilience.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { failureOf, secondsOf } from './problem.ts'

export interface HttpClients extends AsyncDisposable {
  (service: string): HttpClient
}

type Request = Parameters<HttpClient['call']>[1]

const repeatableMethods: ReadonlySet<string> = new Set(['GET', 'PUT', 'DELETE'])

/** `undici` is loaded with the first call; a service that calls nobody never pays for it. */
export const createHttpClients = (
  core: Core,
  parts: { discovery: DiscoveryClient; signer: TokenSigner; policy?: CallPolicy },
): HttpClients => {
  const policy = parts.policy ?? callPolicy
  const clients = new Map<string, HttpClient>()
  const pools = createPools(policy)
  const forService = (service: string): HttpClient => {
    const existing = clients.get(service)
    if (existing !== undefined) return existing
    const client = createClient(core, service, { ...parts, policy, pools })
    clients.set(service, client)
    return client
  }
  return Object.assign(forService, { [Symbol.asyncDispose]: () => pools.close() })
}

/** One keep-alive pool per address; the pools of addresses unused for long are closed. */
const createPools = (policy: CallPolicy) => {
  const pools = new Map<string, Pool>()
  const poolsMax = 64
  return {
    async to(instance: Instance): Promise<Pool> {
      const { Pool } = (await import('undici')).default
      const origin = `http://${instance.host.includes(':') ? `[${instance.host}]` : instance.host}:${instance.ports.http}`
      const pool =
        pools.get(origin) ??
        new Pool(origin, {
          connections: policy.connectionsMax,
          pipelining: 1,
          connectTimeout: policy.connectTimeoutMs,
          keepAliveTimeout: policy.keepAliveMs,
          headersTimeout: 0,
          bodyTimeout: 0,
          maxResponseSize: policy.replyBytesMax,
        })
      // Most recently used last, so that the first is the one to give up.
      pools.delete(origin)
      pools.set(origin, pool)
      const [oldestOrigin, oldest] = pools.entries().next().value ?? []
      if (pools.size > poolsMax && oldest !== undefined && oldestOrigin !== undefined) {
        pools.delete(oldestOrigin)
        oldest.close().catch(() => undefined)
      }
      return pool
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

interface ClientParts {
  readonly discovery: DiscoveryClient
  readonly signer: TokenSigner
  readonly policy: CallPolicy
  readonly pools: ReturnType<typeof createPools>
}

const createClient = (core: Core, service: string, parts: ClientParts): HttpClient => {
  const caller = new ServiceCaller(core, service, parts)
  const call = (route: Route, request: Request, options?: CallOptions) => caller.call(route, request, options)
  return { call: call as HttpClient['call'] }
}

/** Calls to one service. */
class ServiceCaller {
  readonly #core: Core
  readonly #service: string
  readonly #parts: ClientParts
  readonly #dependency: Dependency
  readonly #durations: ReturnType<Metrics['histogram']>

  constructor(core: Core, service: string, parts: ClientParts) {
    this.#core = core
    this.#service = service
    this.#parts = parts
    this.#dependency = createDependency(core, `http ${service}`, parts.policy)
    this.#durations = core.metrics.histogram('http_client_request_duration_seconds', 'One try of a call', [
      'service',
      'method',
      'route',
      'status',
    ])
  }

  async call(route: Route, request: Request, options: CallOptions = {}) {
    const { policy, discovery } = this.#parts
    const deadlineAt = deadlineFor(this.#core.clock, options.timeoutMs ?? policy.timeoutMs) ?? Number.POSITIVE_INFINITY
    const path = pathOf(route, request)
    await knownInTime(this.#core, discovery, this.#service, deadlineAt)
    const keyed = Object.keys(request.headers ?? {}).some((name) => name.toLowerCase() === 'idempotency-key')
    const repeatable = repeatableMethods.has(route.method) || (route.idempotencyKey === true && keyed)
    return this.#dependency.run({ repeatable, deadlineAt }, (attemptNumber) =>
      this.#attempt(route, path, request, { deadlineAt, attemptNumber, onBehalfOf: options.onBehalfOf }),
    )
  }

  async #attempt(route: Route, path: string, request: Request, options: AttemptOptions) {
    const { clock, tracer } = this.#core
    const picked = this.#pick()
    const attributes = {
      'http.request.method': route.method,
      'url.path': path.split('?', 1)[0] ?? path,
      'peer.service': this.#service,
      'server.address': picked.instance.id,
      'http.request.resend_count': options.attemptNumber - 1,
    }
    const startedAt = clock.monotonic()
    let status = 'none'
    try {
      const result = await tracer.span(
        `${route.method} ${route.path}`,
        { kind: 'client', attributes },
        async (span) => {
          const answer = await this.#ask(picked.instance, route, path, request, { ...options, span })
          status = String(answer.status)
          span.set('http.response.status_code', answer.status)
          return readAnswer(this.#service, answer)
        },
      )
      picked.done('ok')
      return result
    } catch (error) {
      picked.done(isOutage(error) ? 'failed' : 'ok')
      throw error
    } finally {
      const seconds = (clock.monotonic() - startedAt) / 1000
      this.#durations.observe(seconds, { service: this.#service, method: route.method, route: route.path, status })
    }
  }

  #pick(): NonNullable<ReturnType<DiscoveryClient['pick']>> {
    const picked = this.#parts.discovery.pick(this.#service)
    if (picked === undefined) throw new Unreached(`no instance of ${this.#service} is known`, { tried: false })
    if (picked.instance.ports.http === undefined) {
      picked.done('ok')
      throw new Unreached(`${picked.instance.id} has no HTTP port`, { tried: false })
    }
    return picked
  }

  async #ask(
    instance: Instance,
    route: Route,
    path: string,
    request: Request,
    { deadlineAt, onBehalfOf, span }: AttemptOptions & { span: Span },
  ): Promise<RawAnswer> {
    const { pools, signer } = this.#parts
    const service = this.#service
    const remainingMs = Math.floor(deadlineAt - this.#core.clock.monotonic())
    if (remainingMs <= 0) throw new Failure('deadline_exceeded', `no time was left to call ${service}`)
    const pool = await pools.to(instance)
    const token = await signer.serviceToken(service, onBehalfOf)
    return exchange(pool, route, path, request, { token, traceparent: span.traceparent, remainingMs, service })
  }
}

type CallOptions = NonNullable<Parameters<HttpClient['call']>[2]>
interface AttemptOptions {
  deadlineAt: number
  attemptNumber: number
  onBehalfOf: CallOptions['onBehalfOf']
}

/** Waits for the first answer of discovery, at most as long as the call may last. */
export const knownInTime = async (
  core: Core,
  discovery: DiscoveryClient,
  service: string,
  deadlineAt: number,
): Promise<void> => {
  if (discovery.instances(service).length > 0) return
  const stop = new AbortController()
  const waitMs = Math.min(deadlineAt - core.clock.monotonic(), callPolicy.timeoutMs)
  const waited = core.clock.delay(Math.max(0, waitMs), stop.signal).catch(() => undefined)
  await Promise.race([discovery.watch(service), waited])
  stop.abort()
}

const pathOf = (route: Route, request: Request): string => {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = request.params?.[name]
    if (value === undefined) throw new Error(`${route.id} needs the path parameter ${name}`)
    return encodeURIComponent(value)
  })
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? path : `${path}?${query}`
}

interface RawAnswer {
  status: number
  headers: Record<string, string>
  text: string
}

/** One request over the wire. Connection faults become Unreached (nothing was sent) or Failure `unavailable`. */
const exchange = async (
  pool: Pool,
  route: Route,
  path: string,
  request: Request,
  call: { token: string; traceparent: string; remainingMs: number; service: string },
): Promise<RawAnswer> => {
  const asForm = route.bodyType === 'form'
  const hasBody = request.body !== undefined
  const body = asForm
    ? new URLSearchParams(request.body as Record<string, string>).toString()
    : JSON.stringify(request.body)
  const headers: Record<string, string> = {
    ...request.headers,
    authorization: `Bearer ${call.token}`,
    traceparent: call.traceparent,
    accept: 'application/json, application/problem+json',
    [deadlineHeader]: String(call.remainingMs),
    ...(hasBody ? { 'content-type': asForm ? 'application/x-www-form-urlencoded' : 'application/json' } : {}),
  }
  try {
    const answer = await pool.request({
      method: route.method,
      path,
      headers,
      body: hasBody ? body : null,
      signal: AbortSignal.timeout(call.remainingMs),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, headers: plainHeaders(answer.headers), text }
  } catch (error) {
    throw asFailure(error, call)
  }
}

/** Faults that come before the first byte of the request. */
const unreachedCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])

const asFailure = (error: unknown, call: { remainingMs: number; service: string }): Failure => {
  if ((error as Error).name === 'TimeoutError')
    return new Failure('deadline_exceeded', `${call.service} did not answer within ${call.remainingMs} ms`, {
      cause: error,
    })
  const code = (error as { code?: unknown }).code
  if (unreachedCodes.has(code)) return new Unreached(`${call.service} is not reachable`, { cause: error, tried: true })
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new Failure('bad_gateway', `the answer of ${call.service} is too large`, { cause: error })
  return new Failure('unavailable', `the connection to ${call.service} broke`, { cause: error })
}

const plainHeaders = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter((entry): entry is [string, string | string[]] => entry[1] !== undefined)
      .map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]),
  )

const readAnswer = (service: string, answer: RawAnswer) => {
  const { status, headers, text } = answer
  const isJson = /^application\/(problem\+)?json\b/.test(headers['content-type'] ?? '')
  let body: unknown
  try {
    body = text === '' ? undefined : isJson ? JSON.parse(text) : text
  } catch (error) {
    throw new Failure('bad_gateway', `${service} did not answer with JSON`, { cause: error })
  }
  if (status < 400) return { status, headers, body }
  const failure = failureOf(body, status, headers['retry-after'])
  if (failure !== undefined) throw failure
  // What answers so isn't one of our services, maybe a proxy; when to come back is still for its caller.
  const retryAfterSeconds = secondsOf(headers['retry-after'])
  throw new Failure(status === 503 ? 'unavailable' : 'bad_gateway', `${service} answered ${status} without a code`, {
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
