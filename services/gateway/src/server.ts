/**
 * The gateway's own listener on node:http: from a connection to an exchange, and the life of both. How a request is
 * judged is in judge.ts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Failure, faultWriter, type Span, type SpanOptions, toFailure } from '@svyaz/kit'
import {
  type ConnectionBounds,
  ConnectionTable,
  defaultConnectionBounds,
  type GuardOptions,
  guardHttp,
  serverOptions,
  wasSentWhole,
} from '@svyaz/listener'
import { createLimiter, liveRules, type Rules } from './admission.ts'
import { Aggregation } from './aggregation.ts'
import { sendProblem } from './answers.ts'
import { type CacheStore, MemoryCache } from './cache-store.ts'
import { type ClientLabel, canonical, clientAddress, createClientLabel } from './client-address.ts'
import { gatewayLimits } from './config.ts'
import { corsHeaders } from './cors.ts'
import { createObserver, type Exchange, type GatewayContext, type Observer } from './exchange.ts'
import { Forward, parentOf } from './forward.ts'
import { asksByGrpc, GrpcDoor, sendStatus } from './grpc-door.ts'
import type { RedisState } from './in-force.ts'
import { type Introspect, IntrospectionCache } from './introspection.ts'
import { Judge, wholeServer } from './judge.ts'
import { Leaving } from './leaving.ts'
import type { LoopDelay } from './loop-delay.ts'
import { createOwnOperations } from './own-operations.ts'
import { createPages } from './pages.ts'
import { createPlaces, type FindPlace, nowhere, type Place } from './places.ts'
import { type LimitStore, memoryLimitStore } from './rate-limit.ts'
import { ResponseCache } from './response-cache.ts'
import { Room } from './room.ts'
import type { RunningGateway } from './running.ts'
import { listenSecurely, type SecureParts } from './secure.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { isSocketPath, SocketProxy } from './sockets.ts'
import { normaliseTarget, type Target, tooLong } from './target.ts'
import { Upstreams } from './upstream/upstreams.ts'

export interface GatewayParts {
  introspect: Introspect
  /** Default: counted in this process. */
  limits?: LimitStore
  /** What is kept for several gateways, with what this one keeps; default: the latter alone. */
  cache?: (own: MemoryCache) => CacheStore
  /** Default: there is none. */
  redis?: () => RedisState
  connections?: Partial<ConnectionBounds>
  /** Default: how late this process is. */
  delay?: Pick<LoopDelay, 'ms'>
}

/** The gateway on its parts; a test gives its own. */
export class Gateway {
  readonly #context: GatewayContext
  readonly #rules: () => Rules
  readonly #labelOf: ClientLabel
  readonly #observer: Observer
  readonly #tokens: IntrospectionCache
  readonly #upstreams: Upstreams
  readonly #tunnels: Sessions
  readonly #follows: Sessions
  readonly #cache: ResponseCache
  readonly #judge: Judge
  readonly #findPlace: FindPlace
  readonly #sockets: SocketProxy
  readonly #server: Server
  readonly #guard: GuardOptions & Pick<SecureParts, 'table'>
  /** Connections whose last answer was announced: what comes behind, already parsed or not, is not done (RFC 9112, 9.6). */
  readonly #condemned = new WeakSet<Socket>()
  readonly #leaving: Leaving
  /** Those whose bodies are still arriving too: a drain waits for all. */
  #inFlight = 0
  #draining = false
  #idle: () => void = () => undefined

  constructor(context: GatewayContext, parts: GatewayParts) {
    const { clock, log, metrics, ids } = context
    this.#context = context
    this.#upstreams = new Upstreams(clock.monotonic)
    this.#rules = liveRules(context)
    this.#leaving = new Leaving(clock.monotonic, gatewayLimits.balancedWithinMs)
    this.#labelOf = createClientLabel(`${ids.uuid()}${ids.uuid()}`)
    this.#observer = createObserver({ clock, log, metrics, labelOf: this.#labelOf })
    this.#tokens = tokensOf(context, parts.introspect)
    this.#tunnels = createSessions(gatewayLimits.sockets, clock.monotonic)
    this.#follows = createSessions(gatewayLimits.follow, clock.monotonic)
    const limiter = createLimiter(context, parts.limits ?? memoryLimitStore(gatewayLimits.rateKeysMax))
    const forward = new Forward(context, this.#upstreams)
    const own = memoryCache(context)
    this.#cache = new ResponseCache(context, forward, parts.cache?.(own) ?? own)
    const room = new Room(context, parts.delay)
    this.#judge = new Judge(context, {
      room,
      limiter,
      tokens: this.#tokens,
      forward,
      cache: this.#cache,
      aggregation: new Aggregation({ forward, limiter, room }, context),
      grpc: new GrpcDoor(context, this.#follows),
      condemn: (exchange) => this.#condemn(exchange),
    })
    const pages = createPages(() => !this.#draining)
    this.#findPlace = createPlaces(
      pages,
      createOwnOperations(
        context,
        this.#follows,
        (prefix, path) => this.dataChanged(prefix, path),
        parts.redis ?? (() => 'none'),
      ),
    )
    this.#guard = this.#guardOf(parts)
    this.#server = this.#createServer()
    this.#sockets = new SocketProxy(context, {
      rules: this.#rules,
      limiter,
      tokens: this.#tokens,
      sessions: this.#tunnels,
      labelOf: this.#labelOf,
    })
    this.#server.on('upgrade', this.#sockets.upgrade)
  }

  /** Nothing that was known of this user holds any more. */
  userBlocked(userId: string): void {
    this.#tokens.drop(userId)
    this.#tunnels.endOf(userId, 'blocked')
    this.#follows.endOf(userId, 'blocked')
  }

  /** The user has other roles now: tokens are asked about again. */
  userChanged(userId: string): void {
    this.#tokens.drop(userId)
  }

  /** Nothing that was known of one login of the user holds any more, or of all of them. Tokens of other sessions are asked about again. */
  userSignedOut(userId: string, sessionId?: string): void {
    this.#tokens.drop(userId)
    this.#tunnels.endOf(userId, 'signed-out', sessionId)
    this.#follows.endOf(userId, 'signed-out', sessionId)
  }

  /** What is kept of this path, or of lists at the prefix, is another by now. */
  dataChanged(prefix: string, path: string): void {
    void this.#cache.changed(prefix, path)
  }

  /** Takes connections from now on. Rejects when the port can't be had. */
  async listen({ host, port }: { host: string; port: number }): Promise<RunningGateway> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => resolve())
    })
    return {
      port: (this.#server.address() as AddressInfo).port,
      inFlight: () => this.#inFlight,
      drain: (deadlineMs) => this.#drain(deadlineMs),
      [Symbol.asyncDispose]: () => this.#close(),
    }
  }

  /** The same with TLS, and HTTP/2 for who wants it. Drain it before or with the other: requests are counted together. */
  listenSecurely(address: { host: string; port: number }, identity: SecureParts['identity']): Promise<RunningGateway> {
    return listenSecurely(address, {
      identity,
      http1: this.#server,
      ...this.#guard,
      inFlight: () => this.#inFlight,
      answer: (request, response, expectsContinue) => this.#onRequest(request, response, expectsContinue),
      socket: this.#sockets.stream,
    })
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#draining = true
    if (this.#leaving.begin()) await this.#context.clock.delay(gatewayLimits.leavingMs)
    this.#server.close()
    void this.#follows.endAll()
    if (this.#inFlight === 0) return
    const done = new Promise<void>((resolve) => {
      this.#idle = resolve
    })
    await this.#atMost(done, deadlineMs)
    if (this.#inFlight > 0)
      this.#context.log.warn({ inFlight: this.#inFlight }, 'requests were cut off at the end of the drain')
  }

  async #close(): Promise<void> {
    this.#draining = true
    this.#server.close()
    await this.#atMost(this.#tunnels.endAll(), gatewayLimits.sockets.closeWaitMs)
    this.#server.closeAllConnections()
    await this.#upstreams[Symbol.asyncDispose]()
  }

  async #atMost(work: Promise<void>, ms: number): Promise<void> {
    const stop = new AbortController()
    await Promise.race([work, this.#context.clock.delay(ms, stop.signal).catch(() => undefined)])
    stop.abort()
  }

  /** One for all its ports: connections are bounded together. */
  #guardOf(parts: GatewayParts): GuardOptions & Pick<SecureParts, 'table'> {
    const { metrics, ids, log } = this.#context
    const cut = metrics.counter('gateway_connections_cut_total', 'Waiting connections closed to make room for others')
    return {
      table: new ConnectionTable({ ...defaultConnectionBounds, ...gatewayLimits, ...parts.connections }),
      limits: gatewayLimits,
      isShared: (address) => this.#rules().trusted(canonical(address)),
      cut: () => cut.inc(),
      write: faultWriter(ids),
      refused: ({ code, detail }, cause, address) =>
        log.warn({ code, detail, err: cause, client: this.#labelOf(address ?? '') }, 'a connection was refused'),
    }
  }

  #createServer(): Server {
    const server = createServer({
      ...serverOptions(gatewayLimits),
      // Ours to refuse, as a problem.
      requireHostHeader: false,
      // An upgrade that nobody asked for here is ignored (RFC 9110, 7.8): the request is answered as if without it.
      shouldUpgradeCallback: (request) =>
        request.headers.upgrade?.toLowerCase() === 'websocket' && isSocketPath(request.url),
    })
    server.on('request', (request, response) => this.#onRequest(request, response, false))
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true))
    guardHttp(server, this.#guard)
    return server
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    if (this.#condemned.has(request.socket)) return
    if (this.#leaving.letsGo(request)) return void request.socket.destroy()
    const now = this.#rules()
    const target = request.url === '*' ? wholeServer : normaliseTarget(request.url ?? '')
    const method = request.method ?? ''
    const path = typeof target === 'string' ? '' : target.path
    const place = path === '' ? nowhere : this.#findPlace(method, path, now)
    const parent = parentOf(request.headers.traceparent)
    this.#inFlight++
    const attributes = { 'http.request.method': method, 'url.path': path, 'http.route': place.label }
    const options: SpanOptions = {
      kind: 'server',
      attributes,
      ...(parent === undefined ? { root: true } : { parent }),
    }
    const work = this.#context.tracer.span(`${method} ${place.label}`, options, (span) => {
      const exchange = this.#exchangeOf({ request, response, expectsContinue, method, target, place, span }, now)
      return this.#carry(exchange, now, place, target)
    })
    // The span is marked; the error was answered and logged in `#carry`.
    work.catch(() => undefined)
  }

  /** From the first header to the last byte of the answer. */
  async #carry(exchange: Exchange, now: Rules, place: Place, target: Target | string): Promise<void> {
    const { response, gone } = exchange
    const closed = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!wasSentWhole(response)) gone.abort()
        resolve()
      })
    })
    try {
      if (typeof target === 'string') {
        this.#condemn(exchange)
        throw new Failure(target === tooLong ? 'target_too_long' : 'invalid_request', target)
      }
      await this.#judge.answer(exchange, now, place)
    } catch (error) {
      const failure = toFailure(error)
      try {
        if (place.kind === 'grpc' && asksByGrpc(exchange)) sendStatus(exchange, failure)
        else sendProblem(exchange, failure)
      } catch {
        // A head that Node doesn't write, as of HTTP/2 with a field twice: the client sees that it broke.
        response.destroy()
      }
    }
    await closed
    exchange.leave?.()
    this.#inFlight--
    if (this.#inFlight === 0) this.#idle()
    this.#observer.ended(exchange)
    const status = place.kind === 'grpc' ? (exchange.failure?.status ?? 200) : response.statusCode
    if (status >= 500) throw exchange.failure ?? new Error(`status ${response.statusCode}`)
  }

  #exchangeOf(begun: Begun, { trusted, settings }: Rules): Exchange {
    const { request, response, expectsContinue, method, target, place, span } = begun
    return {
      request,
      response,
      method,
      target: typeof target === 'string' ? wholeServer : target,
      startedAt: this.#context.clock.monotonic(),
      span,
      requestId: requestIdOf(request.headers['x-request-id']) ?? span.traceId,
      clientAddress: clientAddress(
        request.socket.remoteAddress ?? '',
        request.headers['x-forwarded-for'] as string | undefined,
        trusted,
      ),
      expectsContinue,
      gone: new AbortController(),
      draining: () => this.#draining,
      answerHeaders: [...corsHeaders(request.headers.origin, settings.corsOrigins)],
      routeLabel: place.label,
      user: undefined,
      instance: undefined,
      failure: undefined,
      leave: undefined,
    }
  }

  /** After a doubtful head nothing more is taken from this connection; HTTP/2 has no doubt where the next one begins. */
  #condemn({ request, response }: Exchange): void {
    if (request.httpVersionMajor >= 2) return
    response.shouldKeepAlive = false
    this.#condemned.add(request.socket)
  }
}

/** What is known of a request when it begins; a target in words is why it can't be read. */
interface Begun {
  request: IncomingMessage
  response: ServerResponse
  expectsContinue: boolean
  method: string
  target: Target | string
  place: Place
  span: Span
}

const tokensOf = ({ metrics, clock }: GatewayContext, introspect: Introspect): IntrospectionCache => {
  const introspections = metrics.counter('gateway_introspections_total', 'Tokens looked at, by how', ['served'])
  return new IntrospectionCache(introspect, gatewayLimits.introspection, clock.monotonic, (served) =>
    introspections.inc({ served }),
  )
}

const memoryCache = ({ metrics, clock }: GatewayContext): MemoryCache => {
  const cache = new MemoryCache(gatewayLimits.cache, clock.monotonic)
  metrics.gauge('gateway_cache_bytes', 'Kept answers, with what keeping them costs').collect(() => cache.bytes)
  metrics.gauge('gateway_cache_answers', 'Kept answers').collect(() => cache.size)
  return cache
}

/** A client's own correlation id goes on when it can do no harm in a log. */
const requestIdOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(value) ? value : undefined
