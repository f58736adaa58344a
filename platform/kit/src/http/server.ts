/**
 * The HTTP edge of a service: routes of the contract in, problem+json out. Fastify carries it; who may call, what is
 * valid and what an error looks like is decided in access.ts, validation.ts and problem.ts.
 *
 * Read in this order: server.ts, exchange.ts (what surrounds each request), end-of-exchange.ts, body.ts, validation.ts, json.ts,
 * problem.ts, sockets.ts; client.ts is the other end.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { limits } from '@svyaz/contracts/primitives.ts'
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import { type AnsweringOptions, answering, defaultHttpLimits, guardHttp, serverOptions } from '@svyaz/listener'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Caller, HttpHandler, HttpReply, HttpRequest, RawHttpHandler, SocketHandler } from '../api.ts'
import { withDeadline } from '../calls/deadline.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { admit } from '../identity/access.ts'
import type { Verifier } from '../identity/identity.ts'
import { createHandlerSlots, type HandlerSlots } from '../process/handler-slots.ts'
import { beginExchange, type Exchange } from './exchange.ts'
import { readJson } from './json.ts'
import {
  answerProblem,
  faultsOf,
  faultWriter,
  problemHeaders,
  problemMediaType,
  problemOf,
  toFailure,
} from './problem.ts'
import { attachSockets } from './sockets.ts'
import { isNotModified, nextLink, validateRequest } from './validation.ts'

/** Every bound of the HTTP server, in one place; body and frame sizes are the contract's. */
export const httpServerLimits = {
  /** Whose bodies are there. Beyond this, 503 with Retry-After at once: a late answer helps nobody. */
  requestsInFlightMax: 512,
  /** Handlers at work at once, and how long a request waits for its turn before it is turned away in the same way. */
  handlersAtOnceMax: 64,
  turnMsMax: 1_000,
  retryAfterSeconds: 1,
  /** How long an answer may take when the caller names no deadline, and the most that one may name. */
  answerMsDefault: 15_000,
  answerMsMax: 60_000,
  headersMsMax: 10_000,
  requestMsMax: 30_000,
  /** Longer than the client's, so that the client is the one that closes an idle connection. */
  keepAliveMs: 65_000,
  connectionsMax: 4_096,
  /** Callers are our own processes, on one machine all of one address; the gateway has a connection for each socket. */
  connectionsPerAddressMax: 3_072,
  /** Streams that would never end are told to, so long after the drain began. */
  streamGraceMs: 300,
  pathParameterCharsMax: 300,
}
export type HttpServerLimits = typeof httpServerLimits

export interface HttpServerOptions {
  handlers: readonly HttpHandler[]
  raw?: readonly RawHttpHandler[]
  sockets?: readonly SocketHandler[]
  verifier: Verifier
  host: string
  port: number
  /** Browsers' origins that may open WebSockets. A request without Origin is not from a browser. */
  allowedOrigins?: readonly string[]
  limits?: Partial<HttpServerLimits>
  /** Checks each reply against the contract and fails loudly; for tests. Default: in the profile `test`. */
  checkReplies?: boolean
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number
  /** Requests being answered; one counts when its body is there. */
  inFlight(): number
  /** Takes nothing new, waits until what is under way is answered or the deadline is over. */
  drain(deadlineMs: number): Promise<void>
}

export interface RunningHttpServer extends RunningServer {
  /** Closes every WebSocket with 1001; at shutdown, after the consumers. */
  closeSockets(): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange | undefined
    callerAdmitted: Caller
  }
  interface FastifyContextConfig {
    handler?: HttpHandler
    /** Served to anyone: the service's own description. */
    open?: true
  }
}

const fastifyPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1')

interface ServerState {
  /** Begun, their bodies perhaps still on the way: a drain waits for all of them. */
  inFlight: number
  /** Complete, and not answered yet: what is bounded. A slow sender holds nothing but its connection. */
  working: number
  draining: boolean
  idle: () => void
  streams: Set<Exchange>
}

/** What the steps of a server share. */
interface Serving {
  readonly core: Core
  readonly options: HttpServerOptions
  readonly bounds: HttpServerLimits
  readonly state: ServerState
  readonly slots: HandlerSlots
  readonly checkReplies: boolean
}

/** Starts listening (port 0: any free one). Throws what `listen` throws. */
export const startHttpServer = async (core: Core, options: HttpServerOptions): Promise<RunningHttpServer> => {
  const bounds = { ...httpServerLimits, ...options.limits }
  const serving: Serving = {
    core,
    options,
    bounds,
    state: { inFlight: 0, working: 0, draining: false, idle: () => undefined, streams: new Set() },
    slots: createHandlerSlots({
      atOnceMax: bounds.handlersAtOnceMax,
      waitMsMax: bounds.turnMsMax,
      retryAfterSeconds: bounds.retryAfterSeconds,
      clock: core.clock,
    }),
    checkReplies: options.checkReplies ?? core.environment.profile === 'test',
  }
  const app = openApp(serving)
  addBodyParsers(app)
  surroundRequests(app, serving)
  addRoutes(app, serving)
  addDescription(app, serving)
  const sockets = attachSockets(core, app.server, {
    handlers: options.sockets ?? [],
    verifier: options.verifier,
    allowedOrigins: options.allowedOrigins ?? [],
  })
  await app.listen({ host: options.host, port: options.port })

  const { state } = serving
  return {
    port: (app.server.address() as AddressInfo).port,
    inFlight: () => state.working,
    drain: (deadlineMs) => drain(app, serving, deadlineMs),
    closeSockets: () => sockets.close(),
    async [Symbol.asyncDispose]() {
      state.draining = true
      await sockets.close()
      await app.close()
    },
  }
}

/** Fastify on a guarded server, with the raw operations in front of it. */
const openApp = (serving: Serving): FastifyInstance => {
  const { core, bounds } = serving
  const cut = core.metrics.counter('http_connections_cut_total', 'Waiting connections closed to make room for others')
  const guard: Omit<AnsweringOptions, 'answer'> = {
    hosts: { names: core.environment.allowedHosts },
    connections: bounds,
    cut: () => cut.inc(),
    write: faultWriter(core.ids),
    refused: ({ code, detail }, cause) =>
      core.log[code === 'internal' ? 'error' : 'warn']({ code, detail, err: cause }, 'a connection was refused'),
  }
  const settings = serverOptions({
    ...defaultHttpLimits,
    headersMs: bounds.headersMsMax,
    requestMs: bounds.requestMsMax,
    keepAliveMs: bounds.keepAliveMs,
  })
  return Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    serverFactory: (handler) => {
      const server = createServer(settings, answering({ ...guard, answer: withRaw(handler, serving) }))
      guardHttp(server, guard)
      return server
    },
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: bounds.pathParameterCharsMax },
    // The guard answers what is not HTTP.
    clientErrorHandler: () => undefined,
    frameworkErrors: (error, _request, reply) => sendProblem(core, undefined, reply as FastifyReply, toFailure(error)),
  })
}

/** What comes before a handler, and what becomes of its errors. */
const surroundRequests = (app: FastifyInstance, { core, options, bounds, state }: Serving): void => {
  const allowedMethods = methodsByPath(options.handlers.map((handler) => handler.route))
  app.decorateRequest('exchange', undefined)
  app.addHook('onRequest', (request, reply, done) => {
    // Before its token is looked at and its body is read; again when it is complete.
    const overloaded = state.working >= bounds.requestsInFlightMax
    state.inFlight++
    if (state.draining) reply.header('connection', 'close')
    const exchange = beginExchange(core, request, reply, bounds, () => {
      state.inFlight--
      if (exchange.working) state.working--
      if (state.inFlight === 0) state.idle()
    })
    request.exchange = exchange
    exchange.run(() => {
      if (overloaded) return done(tooMuch(bounds))
      if (request.is404) return answerUnknown(allowedMethods, request, reply, done)
      if (request.routeOptions.config.open === true) return done()
      admitCaller(options.verifier, request).then(
        () => done(),
        (error) => done(error),
      )
    })
  })
  app.setErrorHandler((error, request, reply) => sendProblem(core, request, reply, toFailure(error)))
}

const addRoutes = (app: FastifyInstance, serving: Serving): void => {
  for (const handler of serving.options.handlers)
    app.route({
      method: handler.route.method,
      url: fastifyPath(handler.route.path),
      exposeHeadRoute: hasHead(handler.route),
      config: { handler },
      handler: (request, reply) => answer(handler, request, reply, serving),
    })
}

/** The service's own description. Made once: it takes milliseconds, and anybody may ask. */
const addDescription = (app: FastifyInstance, { core, options }: Serving): void => {
  let description: Promise<string> | undefined
  const describe = async (): Promise<string> => {
    const { openApiDocument } = await import('@svyaz/contracts/openapi.ts')
    const title = `${core.environment.service} of Svyaz`
    const routes = options.handlers.map((handler) => handler.route)
    return JSON.stringify(openApiDocument(routes, { title, version: '1' }))
  }
  app.get('/openapi.json', { config: { open: true } }, async (_request, reply) => {
    description ??= describe()
    return reply.type('application/json; charset=utf-8').send(await description)
  })
}

const drain = async (app: FastifyInstance, { core, bounds, state }: Serving, deadlineMs: number): Promise<void> => {
  state.draining = true
  // Only stops listening and closes idle connections; upgraded ones stay until closeSockets.
  app.server.close()
  if (state.inFlight === 0) return
  const done = new Promise<void>((resolve) => {
    state.idle = resolve
  })
  const stop = new AbortController()
  const after = (ms: number) => core.clock.delay(Math.max(0, ms), stop.signal).catch(() => undefined)
  const graceMs = Math.min(bounds.streamGraceMs, deadlineMs)
  await Promise.race([done, after(graceMs)])
  for (const exchange of state.streams) exchange.endStream()
  await Promise.race([done, after(deadlineMs - graceMs)])
  stop.abort()
  if (state.inFlight > 0) core.log.warn({ inFlight: state.inFlight }, 'requests were cut off at the end of the drain')
}

const tooMuch = ({ retryAfterSeconds }: HttpServerLimits) =>
  new Failure('unavailable', 'too many requests are in progress', { retryAfterSeconds })

/** Puts raw operations in front of Fastify: a request that is theirs never reaches it. */
const withRaw = (others: RequestListener, { core, options, state, bounds }: Serving): RequestListener => {
  const { raw: handlers = [], verifier } = options
  if (handlers.length === 0) return others
  const find = rawFinder(handlers)
  return (request, response) => {
    const handler = find(request.method ?? '', request.url ?? '')
    if (handler === undefined) return others(request, response)
    state.inFlight++
    let working = false
    request.once('end', () => {
      if (response.closed) return
      working = true
      state.working++
    })
    response.once('close', () => {
      state.inFlight--
      if (working) state.working--
      if (state.inFlight === 0) state.idle()
    })
    if (state.draining) response.setHeader('connection', 'close')
    const refuse = (error: unknown) => answerProblem(core, response, toFailure(error))
    if (state.working >= bounds.requestsInFlightMax) return refuse(tooMuch(bounds))
    verifier
      .verify(request.headers.authorization)
      .then((caller) => {
        const admitted = admit(handler.route.access, caller)
        if (typeof admitted === 'string') throw new Failure(admitted, 'the caller may not do this')
        handler.answer(request, response)
      })
      .catch(refuse)
  }
}

/** Which raw operation a request is for: by its whole target, or by the place that its path is at or below. */
const rawFinder = (handlers: readonly RawHttpHandler[]) => {
  const places: { below: string; handler: RawHttpHandler }[] = []
  const byTarget = new Map<string, RawHttpHandler>()
  for (const handler of handlers)
    if ('below' in handler.route) places.push({ below: handler.route.below, handler })
    else byTarget.set(`${handler.route.method} ${handler.route.path}`, handler)
  return (method: string, target: string): RawHttpHandler | undefined =>
    byTarget.get(`${method} ${target}`) ??
    places.find(
      ({ below }) => target === below || (/^[/?]/.test(target.slice(below.length)) && target.startsWith(below)),
    )?.handler
}

/** JSON and forms, each only where the contract asks for it; anything else is 415 by Fastify. */
const addBodyParsers = (app: FastifyInstance) => {
  const expect = (request: FastifyRequest, bodyType: NonNullable<Route['bodyType']>) => {
    const route = request.routeOptions.config.handler?.route
    if (route !== undefined && (route.bodyType ?? 'json') !== bodyType)
      throw new Failure('unsupported_media_type', `this operation takes ${route.bodyType ?? 'json'}`)
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw new Failure('unsupported_media_type', 'compressed bodies are not accepted')
  }
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      expect(request, 'json')
      return bytes.length === 0 ? undefined : readJson(bytes)
    },
  )
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (request: FastifyRequest, body: string) => {
      expect(request, 'form')
      const fields = [...new URLSearchParams(body)]
      const names = new Set(fields.map(([name]) => name))
      // RFC 6749, 3.1: two readers could take different ones.
      if (names.size < fields.length) throw new Failure('invalid_request', 'a field of the form is given twice')
      return Object.fromEntries(fields)
    },
  )
}

const hasHead = (route: Route) => route.method === 'GET' && route.changes !== true

/** Paths as patterns with the methods that they have, for 405 and OPTIONS. */
const methodsByPath = (routes: readonly Route[]) => {
  const byPath = new Map<string, Set<string>>([['/openapi.json', new Set(['GET', 'HEAD'])]])
  for (const route of routes) {
    const methods = byPath.get(route.path) ?? new Set<string>()
    methods.add(route.method)
    if (hasHead(route)) methods.add('HEAD')
    byPath.set(route.path, methods)
  }
  const rows = [...byPath].map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods: [...methods],
  }))
  return (path: string): string[] => {
    const methods = rows.filter((row) => row.pattern.test(path)).flatMap((row) => row.methods)
    return methods.length === 0 ? [] : [...new Set([...methods, 'OPTIONS'])].sort()
  }
}

const answerUnknown = (
  allowedMethods: (path: string) => string[],
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => {
  const allowed = allowedMethods(request.url.split('?', 1)[0] ?? '/')
  if (allowed.length === 0) return done(new Failure('not_found', 'there is nothing at this path'))
  if (request.method === 'OPTIONS') return void reply.code(204).header('allow', allowed.join(', ')).send()
  done(
    new Failure('method_not_allowed', `this path has ${allowed.join(', ')}`, {
      headers: { allow: allowed.join(', ') },
    }),
  )
}

/** Verifies the token and asks the route whether this caller may; before the body is read. */
const admitCaller = async (verifier: Verifier, request: FastifyRequest): Promise<void> => {
  const route = request.routeOptions.config.handler?.route
  if (route === undefined) throw new Failure('not_found', 'there is nothing at this path')
  const { authorization } = request.headers
  // Internal and for anyone can only mean: without a token too (the configuration, like Spring's).
  const direct = authorization === undefined && route.internal === true && route.access.anonymous === true
  const caller: Caller = direct ? { kind: 'anonymous' } : await verifier.verify(authorization)
  const admitted = admit(route.access, caller)
  if (admitted === 'unauthenticated') throw new Failure('unauthenticated', 'sign in first')
  if (admitted === 'forbidden') throw new Failure('forbidden', 'the caller may not do this')
  request.callerAdmitted = admitted
}

const answer = async (
  handler: HttpHandler,
  request: FastifyRequest,
  reply: FastifyReply,
  server: Serving,
): Promise<FastifyReply> => {
  const exchange = request.exchange
  if (exchange === undefined) throw new Error('a request came without its exchange')
  const { state } = server
  if (state.working >= server.bounds.requestsInFlightMax) throw tooMuch(server.bounds)
  exchange.working = true
  state.working++
  const valid = validateRequest(handler.route, {
    params: request.params,
    query: request.query,
    body: request.body,
    headers: request.headers,
  })
  const input = {
    ...valid,
    caller: request.callerAdmitted,
    headers: request.headers as HttpRequest<Route>['headers'],
    url: request.url,
    signal: exchange.signal,
  } as HttpRequest<Route>
  // The body was read in another async context: go back into the one of the span.
  const result = await exchange.run(() =>
    withDeadline(exchange.deadlineAt, () =>
      exchange.beforeDeadline(() => server.slots.use(exchange.signal, async () => handler.answer(input))),
    ),
  )
  if (server.checkReplies) checkReply(handler.route, result)
  if (result.stream !== undefined) {
    state.streams.add(exchange)
    reply.raw.once('close', () => state.streams.delete(exchange))
  }
  return send(handler.route, request, reply, exchange, result)
}

const send = (
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  exchange: Exchange,
  result: HttpReply<Route>,
): FastifyReply => {
  if (result.headers !== undefined) reply.headers(result.headers)
  if (result.etag !== undefined) reply.header('etag', `"${result.etag}"`)
  if (result.nextCursor !== undefined) reply.header('link', nextLink(request.url, result.nextCursor))
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (reads && isNotModified(request.headers['if-none-match'], result.etag)) return reply.code(304).send()
  reply.code(result.status ?? route.status)
  if (result.stream !== undefined) {
    exchange.liftDeadline()
    return reply.send(Readable.from(result.stream, { objectMode: false }))
  }
  return result.body === undefined ? reply.send() : reply.send(result.body)
}

const checkReply = (route: Route, result: HttpReply<Route>) => {
  if (route.reply === undefined || result.stream !== undefined || (result.status ?? route.status) >= 300) return
  const checked = route.reply.safeParse(JSON.parse(JSON.stringify(result.body ?? null)))
  if (!checked.success)
    throw new Error(`${route.id} answered against its contract: ${JSON.stringify(faultsOf(checked.error, 'body'))}`)
}

const sendProblem = (
  core: Core,
  request: FastifyRequest | undefined,
  reply: FastifyReply,
  failure: Failure,
): FastifyReply => {
  const exchange = request?.exchange
  exchange?.failed(failure)
  const traceId = exchange?.traceId ?? core.ids.uuid().replaceAll('-', '')
  return reply
    .code(failure.status)
    .headers(problemHeaders(failure))
    .type(problemMediaType)
    .send(Buffer.from(JSON.stringify(problemOf(failure, traceId))))
}
