/**
 * WebSockets (contracts/socket/notifications.ts and graphql.ts): judged like a request, shaken hands with a service for,
 * and then joined with it (tunnel.ts).
 */
import { hash } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { graphqlSocketPath, graphqlSubprotocol } from '@svyaz/contracts/socket/graphql.ts'
import { bearerSubprotocolPrefix, streamPath, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
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
import { faults, isForeignHost } from '@svyaz/listener'
import type { Limiter, Rules } from './admission.ts'
import { authenticate, userOfToken } from './authentication.ts'
import { type ClientLabel, clientAddress } from './client-address.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { parentOf } from './forward.ts'
import { framingFault } from './framing.ts'
import { headersToForward } from './headers.ts'
import type { IntrospectionCache, SignedIn } from './introspection.ts'
import type { Sessions } from './sessions.ts'
import { onConnection, onStream, type SocketClient } from './socket-clients.ts'
import { normaliseTarget, type Target } from './target.ts'
import { Tunnel } from './tunnel.ts'

const { handshakeMs } = gatewayLimits.sockets

const socketPaths: ReadonlySet<string | undefined> = new Set([streamPath, graphqlSocketPath])

/** Whether a WebSocket may begin at this target. */
export const isSocketPath = (target: string | undefined): boolean => socketPaths.has(target?.split('?', 1)[0])

export interface SocketProxyParts {
  rules: () => Rules
  limiter: Limiter
  tokens: IntrospectionCache
  sessions: Sessions
  labelOf: ClientLabel
}

/**
 * Joins WebSockets of clients with those of services; `upgrade` is a listener for the server's event of that name,
 * `stream` takes what comes by HTTP/2.
 */
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

  readonly upgrade = (request: IncomingMessage, client: Socket, head: Buffer): void =>
    this.#take({ request, client: onConnection(client), head })

  readonly stream = (request: IncomingMessage, stream: ServerHttp2Stream): void =>
    this.#take({ request, client: onStream(stream), head: nothing })

  #take({ request, client, head }: Omit<Upgrade, 'span'>): void {
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
      client.refuse(failure, traceId)
    })
  }

  async #join({ request, client, head, span }: Upgrade): Promise<void> {
    const rules = this.#parts.rules()
    const startedAt = this.#context.clock.monotonic()
    const target = normaliseTarget(request.url ?? '')
    if (typeof target === 'string') throw new Failure('invalid_request', target)
    const address = clientAddress(
      client.remoteAddress,
      request.headers['x-forwarded-for'] as string | undefined,
      rules.trusted,
    )
    const { user, service } = await this.#admit(request, client, target, address, rules)
    const tunnel = new Tunnel(client.bytes)
    const release = this.#parts.sessions.open(user, limitKeyOf(address), (reason) => tunnel.end(reason))
    try {
      const path = target.path + target.query
      const shaken = await this.#dependencyOf(service).run(
        { repeatable: true, deadlineAt: startedAt + handshakeMs },
        () => shake(this.#context, service, { request, key: keyFor(client, this.#context), path, user, address, span }),
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
    if (client.bytes.destroyed || client.bytes.closed) {
      socket.destroy()
      throw new Failure('unavailable', 'the client went away')
    }
    client.accept(acceptance(answer), span.traceId)
    this.#opened.inc({ status: '101' })
    const { log, clock } = this.#context
    const line = { path, userId: user.userId, upstream: instance.id, client: this.#parts.labelOf(address) }
    log.info({ ...line, status: 101 }, 'socket opened')
    client.bytes.once('close', () => {
      release()
      // The close happens outside of the request's async context.
      const { traceId } = span
      log.info({ ...line, traceId, durationMs: Math.round(clock.monotonic() - startedAt) }, 'socket closed')
    })
  }

  /** The same order as for a request. */
  async #admit(request: IncomingMessage, client: SocketClient, target: Target, address: string, rules: Rules) {
    const { limiter, tokens } = this.#parts
    const fault = framingFault(request.rawHeaders, request.httpVersion)
    if (fault !== undefined) throw new Failure('invalid_request', fault)
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: this.#context.allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
    const counted = { clientAddress: address, answerHeaders: [] } as unknown as Exchange
    await limiter.byAddress(counted, rules)
    const match = rules.match('GET', target.path)
    if (match.kind !== 'route' || !isSocketPath(request.url))
      throw new Failure('not_found', 'there is no socket at this path')
    if (request.method !== client.method) throw new Failure('method_not_allowed', 'a WebSocket begins with GET')
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
  client: SocketClient
  head: Buffer
  span: Span
}

/** A socket that is about to be joined. */
interface Begun {
  client: SocketClient
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

interface Shaking {
  request: IncomingMessage
  /** Made here for a client that has none; undefined: the client's own goes on. */
  key: string | undefined
  path: string
  user: SignedIn
  address: string
  span: Span
}

/** 16 bytes that nobody has used before (RFC 6455, 4.1). */
const keyFor = ({ hasKey }: SocketClient, { ids }: Pick<GatewayContext, 'ids'>): string | undefined =>
  hasKey ? undefined : Buffer.from(ids.uuid().replaceAll('-', ''), 'hex').toString('base64')

/** What a service answers to a key (RFC 6455, 4.2.2); a client that made one checks it itself. */
const acceptOf = (key: string): string => hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64')

/** The handshake with an instance, as the user. Throws Failure, or Unreached where another instance may do better. */
const shake = async ({ discovery, signer }: GatewayContext, service: string, call: Shaking): Promise<Handshake> => {
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
      outgoing.on('upgrade', (answer, socket, rest) => {
        if (call.key === undefined || answer.headers['sec-websocket-accept'] === acceptOf(call.key))
          return resolve({ answer, socket: socket as Socket, rest, instance })
        socket.destroy()
        reject(new Failure('bad_gateway', `${service} answered the handshake with another key`))
      })
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

/** The offered protocols hold the token; the origin was judged here; a handshake has no body. */
const keptHere: ReadonlySet<string> = new Set(['sec-websocket-protocol', 'origin', 'content-length'])

const handshakeHeaders = (
  forwarded: readonly string[],
  { address, span, request, key }: Shaking,
  token: string,
): string[] => {
  const headers: string[] = []
  for (let at = 0; at < forwarded.length; at += 2)
    if (!keptHere.has(forwarded[at]!) && (key === undefined || forwarded[at] !== 'sec-websocket-key'))
      headers.push(forwarded[at]!, forwarded[at + 1]!)
  if (key !== undefined) headers.push('sec-websocket-key', key)
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

/** What the client is to know of the service's answer, flat. */
const acceptance = (answer: IncomingMessage): string[] =>
  passedOn.flatMap((name) => {
    const value = answer.headers[name]
    return value === undefined ? [] : [name, String(value)]
  })

const nothing = Buffer.alloc(0)
