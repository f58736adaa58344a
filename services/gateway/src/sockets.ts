/**
 * WebSockets (contracts/socket/notifications.ts and graphql.ts): judged like a request, shaken hands with a service for,
 * and then joined with it (tunnel.ts).
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { graphqlSubprotocol } from '@svyaz/contracts/socket/graphql.ts'
import { bearerSubprotocolPrefix, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import {
  createDependency,
  type Dependency,
  Failure,
  type Instance,
  limitKeyOf,
  type Metrics,
  type Span,
  toFailure,
  Unreached,
} from '@svyaz/kit'
import { endWith, faults, isForeignHost } from '@svyaz/listener'
import type { Limiter, Rules } from './admission.ts'
import { rawProblem } from './answers.ts'
import { authenticate, userOfToken } from './authentication.ts'
import { type ClientLabel, clientAddress } from './client-address.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { parentOf } from './forward.ts'
import { framingFault } from './framing.ts'
import { headersToForward } from './headers.ts'
import type { IntrospectionCache, SignedIn } from './introspection.ts'
import type { Sessions } from './sessions.ts'
import { normaliseTarget, type Target } from './target.ts'
import { Tunnel } from './tunnel.ts'

const { handshakeMs } = gatewayLimits.sockets

export interface SocketProxyParts {
  rules: () => Rules
  limiter: Limiter
  tokens: IntrospectionCache
  sessions: Sessions
  labelOf: ClientLabel
}

/** Joins WebSockets of clients with those of services; `upgrade` is a listener for the server's event of that name. */
export class SocketProxy {
  readonly #context: GatewayContext
  readonly #parts: SocketProxyParts
  readonly #opened: ReturnType<Metrics['counter']>
  readonly #dependencies = new Map<string, Dependency>()

  constructor(context: GatewayContext, parts: SocketProxyParts) {
    this.#context = context
    this.#parts = parts
    this.#opened = context.metrics.counter('gateway_sockets_total', 'WebSocket handshakes', ['status'])
    context.metrics.gauge('gateway_sockets', 'Open WebSockets').collect(() => parts.sessions.size())
  }

  readonly upgrade = (request: IncomingMessage, client: Socket, head: Buffer): void => {
    const parent = parentOf(request.headers.traceparent)
    const path = request.url?.split('?', 1)[0]
    const attributes = { 'http.request.method': 'GET', 'url.path': path ?? '', 'network.protocol.name': 'websocket' }
    const options = {
      kind: 'server' as const,
      attributes,
      ...(parent === undefined ? { root: true as const } : { parent }),
    }
    let traceId = ''
    const work = this.#context.tracer.span(`GET ${path}`, options, (span) => {
      traceId = span.traceId
      return this.#join({ request, client, head, span })
    })
    work.catch((error: unknown) => {
      const failure = toFailure(error)
      this.#opened.inc({ status: String(failure.status) })
      const level = failure.code === 'internal' ? 'error' : 'warn'
      const line = { path, code: failure.code, detail: failure.detail, err: failure.cause, traceId }
      this.#context.log[level](line, 'socket refused')
      endWith(client, rawProblem(failure, traceId))
    })
  }

  async #join({ request, client, head, span }: Upgrade): Promise<void> {
    const rules = this.#parts.rules()
    const startedAt = this.#context.clock.monotonic()
    const target = normaliseTarget(request.url ?? '')
    if (typeof target === 'string') throw new Failure('invalid_request', target)
    const address = clientAddress(
      client.remoteAddress ?? '',
      request.headers['x-forwarded-for'] as string | undefined,
      rules.trusted,
    )
    const { user, service } = await this.#admit(request, target, address, rules)
    const tunnel = new Tunnel(client)
    const release = this.#parts.sessions.open(user, limitKeyOf(address), (reason) => tunnel.end(reason))
    try {
      const path = target.path + target.query
      const shaken = await this.#dependencyOf(service).run(
        { repeatable: true, deadlineAt: startedAt + handshakeMs },
        () => shake(this.#context, service, { request, path, user, address, span }),
      )
      this.#begin(shaken, { client, span, startedAt, release, path: target.path, user, address })
      tunnel.join(shaken.socket, shaken.rest, head)
    } catch (error) {
      release()
      throw error
    }
  }

  /** Answers the client; from here on its place is free when its connection is closed. */
  #begin({ socket, answer, instance }: Handshake, begun: Begun): void {
    const { client, span, startedAt, release, path, user, address } = begun
    if (client.destroyed) {
      socket.destroy()
      throw new Failure('unavailable', 'the client went away')
    }
    client.write(switching(answer, span.traceId))
    this.#opened.inc({ status: '101' })
    const { log, clock } = this.#context
    const line = { path, userId: user.userId, upstream: instance.id, client: this.#parts.labelOf(address) }
    log.info({ ...line, status: 101 }, 'socket opened')
    client.once('close', () => {
      release()
      // The close happens outside of the request's async context.
      const { traceId } = span
      log.info({ ...line, traceId, durationMs: Math.round(clock.monotonic() - startedAt) }, 'socket closed')
    })
  }

  /** The same order as for a request. */
  async #admit(request: IncomingMessage, target: Target, address: string, rules: Rules) {
    const { limiter, tokens } = this.#parts
    const fault = framingFault(request.rawHeaders, request.httpVersion)
    if (fault !== undefined) throw new Failure('invalid_request', fault)
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: this.#context.allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
    const counted = { clientAddress: address, answerHeaders: [] } as unknown as Exchange
    await limiter.byAddress(counted, rules)
    const match = rules.match('GET', target.path)
    if (match.kind !== 'route') throw new Failure('not_found', 'there is no socket at this path')
    if (request.method !== 'GET') throw new Failure('method_not_allowed', 'a WebSocket begins with GET')
    const { origin, host } = request.headers
    if (origin !== undefined && !isAllowedOrigin(origin, host, rules.settings.socketOrigins))
      throw new Failure('forbidden', 'pages of this origin may not open sockets here')
    const fromProtocol = offered(request).find((name) => name.startsWith(bearerSubprotocolPrefix))
    const user =
      request.headers.authorization === undefined && fromProtocol !== undefined
        ? await userOfToken(fromProtocol.slice(bearerSubprotocolPrefix.length), tokens)
        : ((await authenticate('required', request.headers.authorization, tokens)) as SignedIn)
    counted.user = user
    await limiter.byCaller(counted, rules, match.route)
    return { user, service: match.route.service }
  }

  #dependencyOf(service: string): Dependency {
    const known = this.#dependencies.get(service) ?? createDependency(this.#context, `websocket ${service}`)
    this.#dependencies.set(service, known)
    return known
  }
}

interface Upgrade {
  request: IncomingMessage
  client: Socket
  head: Buffer
  span: Span
}

/** A socket that is about to be joined. */
interface Begun {
  client: Socket
  span: Span
  /** Monotonic ms. */
  startedAt: number
  release: () => void
  path: string
  user: SignedIn
  address: string
}

/** Whether a page of that origin may open a socket here: the gateway's own host, or one of the list. */
export const isAllowedOrigin = (origin: string, host: string | undefined, allowed: readonly string[]): boolean =>
  allowed.includes(origin) || (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`))

const offered = (request: IncomingMessage): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())

interface Handshake {
  socket: Socket
  answer: IncomingMessage
  /** What came behind the head already. */
  rest: Buffer
  instance: Instance
}

/** The handshake with an instance, as the user. Throws Failure, or Unreached where another instance may do better. */
const shake = async (
  { discovery, signer }: GatewayContext,
  service: string,
  call: { request: IncomingMessage; path: string; user: SignedIn; address: string; span: Span },
): Promise<Handshake> => {
  const picked = discovery.pick(service)
  if (picked === undefined) throw new Unreached(`no instance of ${service} is there now`, { tried: false })
  const { instance } = picked
  try {
    const headers = headersToForward(call.request.rawHeaders, call.request.headers.connection)
    const token = await signer.userToken(service, call.user)
    const shaken = await new Promise<Handshake>((resolve, reject) => {
      const outgoing = httpRequest({
        host: instance.host,
        port: instance.ports.http,
        path: call.path,
        agent: false,
        headers: [...handshakeHeaders(headers, call, token), 'host', `${instance.host}:${instance.ports.http}`],
        signal: AbortSignal.timeout(handshakeMs),
      })
      outgoing.on('upgrade', (answer, socket, rest) => resolve({ answer, socket: socket as Socket, rest, instance }))
      outgoing.on('response', (answer) => {
        answer.resume()
        reject(refusalOf(service, answer.statusCode ?? 0))
      })
      outgoing.on('error', (error: Error & { code?: string }) =>
        reject(
          error.code === 'ECONNREFUSED'
            ? new Unreached(`${service} cannot be reached`, { cause: error, tried: true })
            : error.name === 'TimeoutError' || error.name === 'AbortError'
              ? new Failure('deadline_exceeded', `${service} did not answer the handshake`, { cause: error })
              : new Failure('bad_gateway', `the connection to ${service} broke`, { cause: error }),
        ),
      )
      outgoing.end()
    })
    // A socket may stay for days: it is not counted as work in flight.
    picked.done('ok')
    return shaken
  } catch (error) {
    picked.done('failed')
    throw error
  }
}

const handshakeHeaders = (
  forwarded: readonly string[],
  { address, span, request }: { address: string; span: Span; request: IncomingMessage },
  token: string,
): string[] => {
  const headers: string[] = []
  for (let at = 0; at < forwarded.length; at += 2)
    // The offered protocols hold the token; the origin was judged here.
    if (forwarded[at] !== 'sec-websocket-protocol' && forwarded[at] !== 'origin')
      headers.push(forwarded[at]!, forwarded[at + 1]!)
  const spoken = offered(request).filter((name) => subprotocols.includes(name))
  if (spoken.length > 0) headers.push('sec-websocket-protocol', spoken.join(', '))
  headers.push('connection', 'Upgrade', 'upgrade', 'websocket', 'authorization', `Bearer ${token}`)
  headers.push('x-forwarded-for', address, 'via', '1.1 svyaz', 'traceparent', span.traceparent)
  return headers
}

const refusalOf = (service: string, status: number): Failure => {
  if (status === 400 || status === 426) return new Failure('invalid_request', 'this is not a WebSocket handshake')
  if (status === 403) return new Failure('forbidden', `${service} refused the socket`)
  if (status === 404) return new Failure('not_found', 'there is no socket at this path')
  if (status === 503) return new Failure('unavailable', `${service} takes no more sockets right now`)
  return new Failure('bad_gateway', `${service} answered the handshake with ${status}`)
}

/** What services speak on sockets; whatever else is offered, the token above all, stays here. */
const subprotocols: readonly string[] = [subprotocol, graphqlSubprotocol]

const passedOn = ['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions']

const switching = (answer: IncomingMessage, traceId: string): string => {
  const lines = passedOn.flatMap((name) => {
    const value = answer.headers[name]
    return value === undefined ? [] : [`${name}: ${value}\r\n`]
  })
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nx-trace-id: ${traceId}\r\n${lines.join('')}\r\n`
}
