/**
 * The order in which a request is judged: read `answer` first. What a request may cost is bounded before it is read,
 * and nothing is parsed or copied on the proxied path.
 */
import { Failure } from '@svyaz/kit'
import { faults, isForeignHost } from '@svyaz/listener'
import type { Limiter, Rules } from './admission.ts'
import type { Aggregation } from './aggregation.ts'
import { send } from './answers.ts'
import { authenticate, checkRoles } from './authentication.ts'
import { gatewayLimits } from './config.ts'
import { preflightHeaders } from './cors.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import type { Forward } from './forward.ts'
import { framingFault } from './framing.ts'
import type { GrpcDoor } from './grpc-door.ts'
import type { IntrospectionCache, SignedIn } from './introspection.ts'
import type { OwnOperation } from './own-operations.ts'
import type { Place } from './places.ts'
import type { PublicMethod } from './public-methods.ts'
import { bodyOf } from './request-body.ts'
import type { ResponseCache } from './response-cache.ts'
import type { Entering, Room } from './room.ts'
import type { GatewayRoute } from './routes.ts'
import type { Target } from './target.ts'

export interface JudgeParts {
  room: Room
  limiter: Limiter
  tokens: IntrospectionCache
  forward: Forward
  cache: ResponseCache
  aggregation: Aggregation
  grpc: GrpcDoor
  /** Nothing more is taken from the connection of this exchange. */
  condemn(exchange: Exchange): void
}

/** OPTIONS * (RFC 9110, 9.3.7); also takes the place of a target that could not be read. */
export const wholeServer: Target = { path: '*', query: '' }

/** RFC 9110, 9.2.1. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Decides on requests and has them answered. */
export class Judge {
  readonly #context: Pick<GatewayContext, 'allowedHosts'>
  readonly #parts: JudgeParts
  #streams = 0

  constructor(context: Pick<GatewayContext, 'allowedHosts'>, parts: JudgeParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Resolves when the head of the answer is on its way. Throws the Failure that the client gets instead. */
  async answer(exchange: Exchange, now: Rules, place: Place): Promise<void> {
    const { request, method, target } = exchange
    // Before anything is spent on it.
    this.#parts.room.refuseIfFull(now)
    this.#checkHead(exchange)
    await this.#parts.limiter.byAddress(exchange, now)
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
        return this.#answerOwn(exchange, now, place)
      case 'grpc':
        return this.#answerGrpc(exchange, now, place.grpc)
      case 'route':
        return this.#answerRoute(exchange, now, place.route)
    }
  }

  #checkHead(exchange: Exchange): void {
    const { request, method } = exchange
    const fault = framingFault(request.rawHeaders, request.httpVersion)
    if (fault !== undefined) {
      this.#parts.condemn(exchange)
      throw new Failure('invalid_request', fault)
    }
    // A first packet may be sent again by anybody who has seen it (RFC 8470): an edge that takes such packets says so.
    if (request.headers['early-data'] === '1' && !safeMethods.has(method))
      throw new Failure('too_early', 'this method is not taken out of a first packet: send it again')
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: this.#context.allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
  }

  async #answerRoute(exchange: Exchange, now: Rules, route: GatewayRoute): Promise<void> {
    const { limiter, tokens, cache, aggregation } = this.#parts
    const user = authenticate(route.auth, exchange.request.headers.authorization, tokens)
    exchange.user = user instanceof Promise ? await user : user
    await limiter.byCaller(exchange, now, route)
    checkRoles(route.roles, exchange.user)
    const body = await takeBody(exchange)
    if (route.aggregate !== undefined) {
      this.#enter(exchange, now, route)
      return aggregation.answer(exchange, { ...route, aggregate: route.aggregate }, now)
    }
    if (route.cache !== undefined && body.kind === 'none' && isRead(exchange.method))
      return cache.answer(exchange, route, route.cache, () => this.#enter(exchange, now, route))
    this.#enter(exchange, now, route)
    const streamed = body.kind === 'stream' ? this.#holdStream() : undefined
    try {
      await this.#parts.forward.send(exchange, route, body)
    } finally {
      streamed?.()
    }
    if (now.cachedPrefixes.length > 0 && !isRead(exchange.method)) this.#changed(exchange, now)
  }

  /** What was changed through here is known to be another at once, without waiting for its event. */
  #changed({ target, response }: Exchange, { cachedPrefixes }: Rules): void {
    if (response.statusCode >= 400) return
    for (const prefix of cachedPrefixes)
      if (target.path === prefix || target.path.startsWith(`${prefix}/`))
        void this.#parts.cache.changed(prefix, target.path)
  }

  async #answerOwn(
    exchange: Exchange,
    now: Rules,
    { operation, params }: { operation: OwnOperation; params: Record<string, string> },
  ): Promise<void> {
    const { limiter, tokens } = this.#parts
    const user = (await authenticate('required', exchange.request.headers.authorization, tokens)) as SignedIn
    exchange.user = user
    await limiter.byCaller(exchange, now, { prefix: operation.route.path })
    checkRoles(operation.roles, user)
    // A stream to the client has bounds of its own (sessions.ts): it is not work that comes to an end.
    if (operation.route.body !== undefined) this.#enter(exchange, now, { prefix: operation.route.path })
    await operation.answer(exchange, user, params)
  }

  async #answerGrpc(exchange: Exchange, now: Rules, method: PublicMethod): Promise<void> {
    const { limiter, tokens, grpc } = this.#parts
    const user = (await authenticate('required', exchange.request.headers.authorization, tokens)) as SignedIn
    exchange.user = user
    await limiter.byCaller(exchange, now, { prefix: method.path })
    if (!method.ask.streams) this.#enter(exchange, now, { prefix: method.path })
    await grpc.answer(exchange, user, method)
  }

  /** Counts it until it has ended. @throws Failure when there is no place for it */
  #enter(exchange: Exchange, now: Rules, route: Entering): void {
    exchange.leave = this.#parts.room.enter(exchange, now, route)
  }

  #holdStream(): () => void {
    if (this.#streams >= gatewayLimits.bodiesStreamedMax)
      throw new Failure('unavailable', 'too many large bodies are being received', {
        retryAfterSeconds: gatewayLimits.retryAfterSeconds,
      })
    this.#streams++
    return () => void this.#streams--
  }
}

/** What a path does not take, it says; OPTIONS is answered by the same list (RFC 9110, 9.3.7). */
const refuseMethod = (exchange: Exchange, allowed: readonly string[]): void => {
  const allow = allowed.join(', ')
  if (exchange.method === 'OPTIONS') return send(exchange, 204, ['allow', allow])
  throw new Failure('method_not_allowed', `this path has ${allow}`, { headers: { allow } })
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

const takeBody = (exchange: Exchange) => {
  const body = bodyOf(exchange.request)
  if (exchange.expectsContinue) exchange.response.writeContinue()
  return body
}
