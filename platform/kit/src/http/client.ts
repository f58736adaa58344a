/**
 * Calls to other services over HTTP by their contracts: an instance from discovery, a token of our own, deadline and
 * trace in the headers, breaker and retries from resilience.ts. Errors come back as the Failure that the service meant.
 */
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import type { Pool } from 'undici'
import type { DiscoveryClient, HttpClient, Instance, TokenSigner } from '../api.ts'
import { deadlineFor, deadlineHeader } from '../calls/deadline.ts'
import { type CallPolicy, callPolicy, createDependency, isOutage, Unreached } from '../calls/resilience.ts'
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

const createClient = (
  core: Core,
  service: string,
  parts: { discovery: DiscoveryClient; signer: TokenSigner; policy: CallPolicy; pools: ReturnType<typeof createPools> },
): HttpClient => {
  const { discovery, signer, policy } = parts
  const dependency = createDependency(core, `http ${service}`, policy)
  const durations = core.metrics.histogram('http_client_request_duration_seconds', 'One try of a call', [
    'service',
    'method',
    'route',
    'status',
  ])

  const attempt = async (route: Route, path: string, request: Request, options: AttemptOptions) => {
    const { deadlineAt } = options
    const picked = discovery.pick(service)
    if (picked === undefined) throw new Unreached(`no instance of ${service} is known`, { tried: false })
    if (picked.instance.ports.http === undefined) {
      picked.done('ok')
      throw new Unreached(`${picked.instance.id} has no HTTP port`, { tried: false })
    }
    const startedAt = core.clock.monotonic()
    let status = 'none'
    try {
      const result = await core.tracer.span(
        `${route.method} ${route.path}`,
        {
          kind: 'client',
          attributes: {
            'http.request.method': route.method,
            'url.path': path.split('?', 1)[0] ?? path,
            'peer.service': service,
            'server.address': picked.instance.id,
            'http.request.resend_count': options.attemptNumber - 1,
          },
        },
        async (span) => {
          const remainingMs = Math.floor(deadlineAt - core.clock.monotonic())
          if (remainingMs <= 0) throw new Failure('deadline_exceeded', `no time was left to call ${service}`)
          const answer = await exchange(await parts.pools.to(picked.instance), route, path, request, {
            token: await signer.serviceToken(service, options.onBehalfOf),
            traceparent: span.traceparent,
            remainingMs,
            service,
          })
          status = String(answer.status)
          span.set('http.response.status_code', answer.status)
          return readAnswer(service, answer)
        },
      )
      picked.done('ok')
      return result
    } catch (error) {
      picked.done(isOutage(error) ? 'failed' : 'ok')
      throw error
    } finally {
      const seconds = (core.clock.monotonic() - startedAt) / 1000
      durations.observe(seconds, { service, method: route.method, route: route.path, status })
    }
  }

  const call = async (route: Route, request: Request, options: CallOptions = {}) => {
    const deadlineAt = deadlineFor(core.clock, options.timeoutMs ?? policy.timeoutMs) ?? Number.POSITIVE_INFINITY
    const path = pathOf(route, request)
    await knownInTime(core, discovery, service, deadlineAt)
    const keyed = Object.keys(request.headers ?? {}).some((name) => name.toLowerCase() === 'idempotency-key')
    const repeatable = repeatableMethods.has(route.method) || (route.idempotencyKey === true && keyed)
    return dependency.run({ repeatable, deadlineAt }, (attemptNumber) =>
      attempt(route, path, request, { deadlineAt, attemptNumber, onBehalfOf: options.onBehalfOf }),
    )
  }
  return { call: call as HttpClient['call'] }
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
