/**
 * The gateway's own listener on node:http. Read `answer` first: the order in which a request is judged. Nothing is
 * parsed or copied on the proxied path; what a request may cost is bounded before it is read.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { streamPath } from '@svyaz/contracts/socket/notifications.ts'
import { Failure, faultWriter, limitKeyOf, toFailure } from '@svyaz/kit'
import { type ConnectionBounds, faults, guardHttp, isForeignHost, serverOptions } from '@svyaz/listener'
import { createLimiter, liveRules, type Rules } from './admission.ts'
import { send, sendProblem } from './answers.ts'
import { authenticate, checkRoles } from './authentication.ts'
import { canonical, clientAddress, createClientLabel } from './client-address.ts'
import { gatewayLimits } from './config.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import { createObserver, type Exchange, type GatewayContext } from './exchange.ts'
import { createForward, parentOf } from './forward.ts'
import { framingFault } from './framing.ts'
import { InFlight } from './in-flight.ts'
import { createIntrospectionCache, type Introspect, type SignedIn } from './introspection.ts'
import { createOwnOperations, type OwnOperation } from './own-operations.ts'
import { createPages, type Page } from './pages.ts'
import { type LimitStore, memoryLimitStore } from './rate-limit.ts'
import { bodyOf } from './request-body.ts'
import type { GatewayRoute } from './routes.ts'
import { createSessions } from './sessions.ts'
import { createSocketProxy } from './sockets.ts'
import { normaliseTarget, type Target, tooLong } from './target.ts'
import { createUpstreams } from './upstream.ts'

export interface GatewayParts {
  introspect: Introspect
  /** Default: counted in this process. */
  limits?: LimitStore
  connections?: Partial<ConnectionBounds>
}

export interface RunningGateway extends AsyncDisposable {
  readonly port: number
  inFlight(): number
  drain(deadlineMs: number): Promise<void>
}

export interface Gateway {
  listen(address: { host: string; port: number }): Promise<RunningGateway>
  /** Nothing that was known of this user holds any more. */
  userBlocked(userId: string): void
  /** The same of one login of the user, or of all of them. */
  userSignedOut(userId: string, sessionId?: string): void
}

/** What is at the path of a request, known before it is judged. */
type Place = { label: string } & (
  | { kind: 'page'; page: Page }
  | { kind: 'own'; operation: OwnOperation; params: Record<string, string> }
  | { kind: 'refused'; allowed: readonly string[] }
  | { kind: 'route'; route: GatewayRoute }
  | { kind: 'nothing' }
)
const nowhere: Place = { kind: 'nothing', label: 'unmatched' }

/** The gateway on its parts; a test gives its own. */
export const createGateway = (context: GatewayContext, parts: GatewayParts): Gateway => {
  const { clock, log, metrics, tracer, ids } = context
  const rules = liveRules(context)
  const labelOf = createClientLabel(`${ids.uuid()}${ids.uuid()}`)
  const observer = createObserver({ clock, log, metrics, labelOf })
  const limiter = createLimiter(context, parts.limits ?? memoryLimitStore(gatewayLimits.rateKeysMax))
  const introspections = metrics.counter('gateway_introspections_total', 'Tokens looked at, by how', ['served'])
  const tokens = createIntrospectionCache(parts.introspect, gatewayLimits.introspection, clock.monotonic, (served) =>
    introspections.inc({ served }),
  )
  const shed = metrics.counter('gateway_shed_total', 'Requests refused because too many were under way')
  const cut = metrics.counter('gateway_connections_cut_total', 'Waiting connections closed to make room for others')
  const upstreams = createUpstreams()
  const forward = createForward(context, upstreams)
  const { sockets: socketBounds, follow: followBounds } = gatewayLimits
  const tunnels = createSessions(socketBounds, clock.monotonic)
  const follows = createSessions(followBounds, clock.monotonic)
  const findOwn = createOwnOperations(context, follows)
  const findPage = createPages(() => !draining)
  const working = new InFlight(gatewayLimits.inFlightShares, gatewayLimits.retryAfterSeconds)
  /** Those whose bodies are still arriving too: a drain waits for all. */
  let inFlight = 0
  let draining = false
  let idle: () => void = () => undefined
  metrics.gauge('gateway_requests_in_flight', 'Requests being answered').collect(() => working.size)

  const placeOf = (method: string, path: string, { match, methodsAt }: Rules): Place => {
    const page = findPage(path)
    if (page !== undefined)
      return method === 'GET' || method === 'HEAD'
        ? { kind: 'page', label: path, page }
        : { kind: 'refused', label: path, allowed: ['GET', 'HEAD', 'OPTIONS'] }
    const own = findOwn(method, path)
    if (own !== undefined)
      return 'allowed' in own
        ? { kind: 'refused', label: own.path, allowed: own.allowed }
        : { kind: 'own', label: own.operation.route.path, ...own }
    const found = match(method, path)
    if (found.kind === 'nothing') return nowhere
    return found.kind === 'no-method'
      ? { kind: 'refused', label: 'unmatched', allowed: methodsAt(path) ?? found.allowed }
      : { kind: 'route', label: found.route.prefix, route: found.route }
  }

  const answer = async (exchange: Exchange, now: Rules, place: Place): Promise<void> => {
    const { request, method, target } = exchange
    // Before anything is spent on it.
    if (working.isFull(now.settings.requestsInFlightMax)) {
      shed.inc()
      throw new Failure('unavailable', 'too many requests are in progress', {
        retryAfterSeconds: gatewayLimits.retryAfterSeconds,
      })
    }
    const fault = framingFault(request.rawHeaders, request.httpVersion)
    if (fault !== undefined) throw closing(exchange, new Failure('invalid_request', fault))
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: context.allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
    await limiter.byAddress(exchange, now)
    const { origin } = request.headers
    if (method === 'OPTIONS' && origin !== undefined && request.headers['access-control-request-method'] !== undefined)
      return send(exchange, 204, preflightHeaders(origin, now.settings.corsOrigins))

    switch (place.kind) {
      case 'page':
        return place.page(exchange, now)
      case 'refused':
        return refuseMethod(exchange, place.allowed)
      case 'nothing':
        if (target === wholeServer && method === 'OPTIONS') return send(exchange, 204, [])
        throw new Failure('not_found', 'there is nothing at this path')
      case 'own':
        return answerOwn(exchange, now, place)
    }
    const { route } = place
    const user = authenticate(route.auth, request.headers.authorization, tokens)
    exchange.user = user instanceof Promise ? await user : user
    await limiter.byCaller(exchange, now, route)
    checkRoles(route.roles, exchange.user)
    const body = await takeBody(exchange)
    enter(exchange, now, place.label)
    const streamed = body.kind === 'stream' ? holdStream() : undefined
    try {
      await forward(exchange, route, body)
    } finally {
      streamed?.()
    }
  }

  /** Counts it until it has ended. @throws Failure when there is no place for it */
  const enter = (exchange: Exchange, { settings }: Rules, route: string): void => {
    const claim = { route, userId: exchange.user?.userId, address: limitKeyOf(exchange.clientAddress) }
    try {
      exchange.leave = working.enter(claim, settings.requestsInFlightMax)
    } catch (error) {
      shed.inc()
      throw error
    }
  }

  let streams = 0
  const holdStream = (): (() => void) => {
    if (streams >= gatewayLimits.bodiesStreamedMax)
      throw new Failure('unavailable', 'too many large bodies are being received', {
        retryAfterSeconds: gatewayLimits.retryAfterSeconds,
      })
    streams++
    return () => void streams--
  }

  const answerOwn = async (
    exchange: Exchange,
    now: Rules,
    { operation, params }: { operation: OwnOperation; params: Record<string, string> },
  ) => {
    const user = (await authenticate('required', exchange.request.headers.authorization, tokens)) as SignedIn
    exchange.user = user
    await limiter.byCaller(exchange, now, { prefix: operation.route.path })
    checkRoles(operation.roles, user)
    // A stream to the client has bounds of its own (sessions.ts): it is not work that comes to an end.
    if (operation.route.body !== undefined) enter(exchange, now, operation.route.path)
    await operation.answer(exchange, user, params)
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse, expectsContinue = false): void => {
    if (condemned.has(request.socket)) return
    const now = rules()
    const target = request.url === '*' ? wholeServer : normaliseTarget(request.url ?? '')
    const method = request.method ?? ''
    const path = typeof target === 'string' ? '' : target.path
    const place = path === '' ? nowhere : placeOf(method, path, now)
    const parent = parentOf(request.headers.traceparent)
    inFlight++
    const attributes = { 'http.request.method': method, 'url.path': path, 'http.route': place.label }
    const work = tracer.span(
      `${method} ${place.label}`,
      { kind: 'server', attributes, ...(parent === undefined ? { root: true } : { parent }) },
      async (span) => {
        const gone = new AbortController()
        const exchange: Exchange = {
          request,
          response,
          method,
          target: typeof target === 'string' ? wholeServer : target,
          startedAt: clock.monotonic(),
          span,
          requestId: requestIdOf(request.headers['x-request-id']) ?? span.traceId,
          clientAddress: clientAddress(
            request.socket.remoteAddress ?? '',
            request.headers['x-forwarded-for'] as string | undefined,
            now.trusted,
          ),
          expectsContinue,
          gone,
          draining: () => draining,
          answerHeaders: [...corsHeaders(request.headers.origin, now.settings.corsOrigins)],
          routeLabel: place.label,
          user: undefined,
          instance: undefined,
          failure: undefined,
          leave: undefined,
        }
        const closed = new Promise<void>((resolve) => {
          response.once('close', () => {
            if (!response.writableFinished) gone.abort()
            resolve()
          })
        })
        try {
          if (typeof target === 'string')
            throw closing(exchange, new Failure(target === tooLong ? 'target_too_long' : 'invalid_request', target))
          await answer(exchange, now, place)
        } catch (error) {
          sendProblem(exchange, toFailure(error))
        }
        await closed
        exchange.leave?.()
        inFlight--
        if (inFlight === 0) idle()
        observer.ended(exchange)
        if (response.statusCode >= 500) throw exchange.failure ?? new Error(`status ${response.statusCode}`)
      },
    )
    // The span is marked; the error was answered and logged above.
    work.catch(() => undefined)
  }

  const server = createServer({
    ...serverOptions(gatewayLimits),
    // Ours to refuse, as a problem.
    requireHostHeader: false,
    // An upgrade that nobody asked for here is ignored (RFC 9110, 7.8): the request is answered as if without it.
    shouldUpgradeCallback: (request) =>
      request.headers.upgrade?.toLowerCase() === 'websocket' && request.url?.split('?', 1)[0] === streamPath,
  })
  server.on('request', (request, response) => onRequest(request, response))
  server.on('checkContinue', (request, response) => onRequest(request, response, true))
  guardHttp(server, {
    connections: { ...gatewayLimits, ...parts.connections },
    isShared: (address) => rules().trusted(canonical(address)),
    cut: () => cut.inc(),
    write: faultWriter(ids),
    refused: ({ code, detail }, cause, address) =>
      context.log.warn({ code, detail, err: cause, client: labelOf(address ?? '') }, 'a connection was refused'),
  })
  server.on('upgrade', createSocketProxy(context, { rules, limiter, tokens, sessions: tunnels, labelOf }))

  const atMost = async (work: Promise<void>, ms: number) => {
    const stop = new AbortController()
    await Promise.race([work, clock.delay(ms, stop.signal).catch(() => undefined)])
    stop.abort()
  }

  return {
    userBlocked(userId) {
      tokens.drop(userId)
      tunnels.endOf(userId, 'blocked')
      follows.endOf(userId, 'blocked')
    },
    userSignedOut(userId, sessionId) {
      // Tokens of other sessions are asked about again, which costs little.
      tokens.drop(userId)
      tunnels.endOf(userId, 'signed-out', sessionId)
      follows.endOf(userId, 'signed-out', sessionId)
    },
    async listen({ host, port }) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => resolve())
      })
      return {
        port: (server.address() as AddressInfo).port,
        inFlight: () => inFlight,
        async drain(deadlineMs) {
          draining = true
          server.close()
          void follows.endAll()
          if (inFlight === 0) return
          const done = new Promise<void>((resolve) => {
            idle = resolve
          })
          await atMost(done, deadlineMs)
          if (inFlight > 0) context.log.warn({ inFlight }, 'requests were cut off at the end of the drain')
        },
        async [Symbol.asyncDispose]() {
          draining = true
          server.close()
          await atMost(tunnels.endAll(), gatewayLimits.sockets.closeWaitMs)
          server.closeAllConnections()
          await upstreams[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/** What a path does not take, it says; OPTIONS is answered by the same list (RFC 9110, 9.3.7). */
const refuseMethod = (exchange: Exchange, allowed: readonly string[]): void => {
  const allow = allowed.join(', ')
  if (exchange.method === 'OPTIONS') return send(exchange, 204, ['allow', allow])
  throw new Failure('method_not_allowed', `this path has ${allow}`, { headers: { allow } })
}

/** OPTIONS * (RFC 9110, 9.3.7); also stands in where the target could not be read. */
const wholeServer: Target = { path: '*', query: '' }

/** A client's own correlation id goes on when it can do no harm in a log. */
const requestIdOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(value) ? value : undefined

/** Connections whose last answer was announced: what comes behind, already parsed or not, is not done (RFC 9112, 9.6). */
const condemned = new WeakSet<Socket>()

/** After a doubtful head nothing more is taken from this connection. */
const closing = (exchange: Exchange, failure: Failure): Failure => {
  exchange.response.shouldKeepAlive = false
  condemned.add(exchange.request.socket)
  return failure
}

const takeBody = (exchange: Exchange) => {
  const body = bodyOf(exchange.request)
  if (exchange.expectsContinue) exchange.response.writeContinue()
  return body
}
