/**
 * The WebSocket `/notifications/stream` (contracts/socket/notifications.ts): judged like a request, then two sockets
 * joined. Frames are passed on unread; their lengths alone are followed towards the client, so that a Close of our own
 * (1001 at shutdown, 4401 when the token is no good any more) comes between two of them. Upstream simply ends.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { bearerSubprotocolPrefix, closeCodes, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import {
  createDependency,
  type Dependency,
  Failure,
  type Instance,
  limitKeyOf,
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
import { closeFrame, createFrameTracker } from './frame-boundary.ts'
import { framingFault } from './framing.ts'
import { headersToForward } from './headers.ts'
import type { IntrospectionCache, SignedIn } from './introspection.ts'
import type { EndReason, Sessions } from './sessions.ts'
import { normaliseTarget, type Target } from './target.ts'

const { handshakeMs, closeWaitMs } = gatewayLimits.sockets

export interface SocketProxyParts {
  rules: () => Rules
  limiter: Limiter
  tokens: IntrospectionCache
  sessions: Sessions
  labelOf: ClientLabel
}

/** A listener for the server's `upgrade`. */
export const createSocketProxy = (context: GatewayContext, parts: SocketProxyParts) => {
  const { tracer, log, clock, metrics } = context
  const opened = metrics.counter('gateway_sockets_total', 'WebSocket handshakes', ['status'])
  metrics.gauge('gateway_sockets', 'Open WebSockets').collect(() => parts.sessions.size())
  const dependencies = new Map<string, Dependency>()
  const dependencyOf = (service: string) => {
    const known = dependencies.get(service) ?? createDependency(context, `websocket ${service}`)
    dependencies.set(service, known)
    return known
  }

  const join = async (request: IncomingMessage, client: Socket, head: Buffer, span: Span): Promise<void> => {
    const startedAt = clock.monotonic()
    const rules = parts.rules()
    const target = normaliseTarget(request.url ?? '')
    if (typeof target === 'string') throw new Failure('invalid_request', target)
    const address = clientAddress(
      client.remoteAddress ?? '',
      request.headers['x-forwarded-for'] as string | undefined,
      rules.trusted,
    )
    const { user, service } = await admit(request, target, address, rules)
    const tunnel = createTunnel(client)
    const release = parts.sessions.open(user, limitKeyOf(address), tunnel.end)
    try {
      const path = target.path + target.query
      const { socket, answer, rest, instance } = await dependencyOf(service).run(
        { repeatable: true, deadlineAt: startedAt + handshakeMs },
        () => shake(context, service, { request, path, user, address, span }),
      )
      if (client.destroyed) {
        socket.destroy()
        throw new Failure('unavailable', 'the client went away')
      }
      client.write(switching(answer, span.traceId))
      opened.inc({ status: '101' })
      const line = { path: target.path, userId: user.userId, upstream: instance.id, client: parts.labelOf(address) }
      log.info({ ...line, status: 101 }, 'socket opened')
      client.once('close', () => {
        release()
        // The close happens outside of the request's async context.
        const { traceId } = span
        log.info({ ...line, traceId, durationMs: Math.round(clock.monotonic() - startedAt) }, 'socket closed')
      })
      tunnel.join(socket, rest, head)
    } catch (error) {
      release()
      throw error
    }
  }

  /** The same order as for a request. */
  const admit = async (request: IncomingMessage, target: Target, address: string, rules: Rules) => {
    const fault = framingFault(request.rawHeaders, request.httpVersion)
    if (fault !== undefined) throw new Failure('invalid_request', fault)
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: context.allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
    const counted = { clientAddress: address, answerHeaders: [] } as unknown as Exchange
    await parts.limiter.byAddress(counted, rules)
    const match = rules.match('GET', target.path)
    if (match.kind !== 'route') throw new Failure('not_found', 'there is no socket at this path')
    if (request.method !== 'GET') throw new Failure('method_not_allowed', 'a WebSocket begins with GET')
    const { origin, host } = request.headers
    if (origin !== undefined && !isAllowedOrigin(origin, host, rules.settings.socketOrigins))
      throw new Failure('forbidden', 'pages of this origin may not open sockets here')
    const fromProtocol = offered(request).find((name) => name.startsWith(bearerSubprotocolPrefix))
    const user =
      request.headers.authorization === undefined && fromProtocol !== undefined
        ? await userOfToken(fromProtocol.slice(bearerSubprotocolPrefix.length), parts.tokens)
        : ((await authenticate('required', request.headers.authorization, parts.tokens)) as SignedIn)
    counted.user = user
    await parts.limiter.byCaller(counted, rules, match.route)
    return { user, service: match.route.service }
  }

  return (request: IncomingMessage, client: Socket, head: Buffer): void => {
    const parent = parentOf(request.headers.traceparent)
    const path = request.url?.split('?', 1)[0]
    const attributes = { 'http.request.method': 'GET', 'url.path': path ?? '', 'network.protocol.name': 'websocket' }
    const options = {
      kind: 'server' as const,
      attributes,
      ...(parent === undefined ? { root: true as const } : { parent }),
    }
    let traceId = ''
    const work = tracer.span(`GET ${path}`, options, (span) => {
      traceId = span.traceId
      return join(request, client, head, span)
    })
    work.catch((error: unknown) => {
      const failure = toFailure(error)
      opened.inc({ status: String(failure.status) })
      const level = failure.code === 'internal' ? 'error' : 'warn'
      log[level]({ path, code: failure.code, detail: failure.detail, err: failure.cause, traceId }, 'socket refused')
      endWith(client, rawProblem(failure, traceId))
    })
  }
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
  if (offered(request).includes(subprotocol)) headers.push('sec-websocket-protocol', subprotocol)
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

const passedOn = ['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions']

const switching = (answer: IncomingMessage, traceId: string): string => {
  const lines = passedOn.flatMap((name) => {
    const value = answer.headers[name]
    return value === undefined ? [] : [`${name}: ${value}\r\n`]
  })
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nx-trace-id: ${traceId}\r\n${lines.join('')}\r\n`
}

const reasons: Record<EndReason, [code: number, text: string]> = {
  blocked: [closeCodes.unauthenticated, 'the user is blocked'],
  'signed-out': [closeCodes.unauthenticated, 'the session has ended'],
  expired: [closeCodes.unauthenticated, 'the access token has expired'],
  'going-away': [closeCodes.goingAway, 'the gateway is going away'],
}

/** Two sockets as one, until either ends or `end` is called. Back-pressure goes both ways. */
const createTunnel = (client: Socket) => {
  const tracker = createFrameTracker()
  let upstream: Socket | undefined
  let closing: EndReason | undefined

  const sayClose = (reason: EndReason) => {
    upstream?.destroy()
    client.write(closeFrame(...reasons[reason]))
    // The client answers with its Close and ends; one that does not is cut off.
    client.resume()
    setTimeout(() => client.destroy(), closeWaitMs).unref()
  }
  const toClient = (chunk: Buffer) => {
    if (closing === undefined) {
      tracker.follow(chunk)
      if (!client.write(chunk)) upstream?.pause()
      return
    }
    client.write(chunk.subarray(0, tracker.follow(chunk, true)))
    if (tracker.atBoundary()) sayClose(closing)
  }

  return {
    end(reason: EndReason) {
      if (closing !== undefined) return
      closing = reason
      if (upstream === undefined) return void client.destroy()
      upstream.unpipe()
      client.unpipe(upstream)
      client.on('data', () => undefined)
      client.on('end', () => client.end())
      if (tracker.atBoundary()) return sayClose(reason)
      // Within a frame: its rest has a moment to come.
      setTimeout(() => client.destroy(), closeWaitMs).unref()
    },
    join(socket: Socket, rest: Buffer, head: Buffer) {
      upstream = socket
      for (const end of [client, socket]) {
        end.setTimeout(0)
        end.setNoDelay(true)
        end.setKeepAlive(true, 30_000)
      }
      socket.on('error', () => socket.destroy())
      if (head.length > 0) socket.write(head)
      if (rest.length > 0) toClient(rest)
      socket.on('data', toClient)
      client.on('drain', () => socket.resume())
      client.pipe(socket)
      socket.on('end', () => {
        if (closing === undefined) client.end()
      })
      socket.on('close', () => {
        if (closing === undefined) client.destroySoon()
      })
      client.on('close', () => socket.destroySoon())
      if (client.destroyed) socket.destroy()
    },
  }
}
