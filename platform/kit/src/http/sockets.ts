/** WebSockets on the HTTP server's port: token, Origin, frame size, pings, slow readers, and 1001 at shutdown. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { limits } from '@svyaz/contracts/primitives.ts'
import { closeCodes, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import { endWith, faults, isForeignHost, Places, rawAnswer, readTarget } from '@svyaz/listener'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Caller, Socket, SocketHandler } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import type { Verifier } from '../identity/identity.ts'
import { within } from '../process/waiting.ts'
import { readJson } from './json.ts'
import { toFailure, writtenProblem } from './problem.ts'

/** Every bound of sockets, in one place; the frame size is the contract's. */
export const socketLimits = {
  pingEveryMs: 15_000,
  /** Bytes that may wait for a slow reader before it is closed with 4008. */
  bufferedBytesMax: 1024 * 1024,
  socketsMax: 2_500,
  /** Over all gateways. */
  socketsPerUserMax: 64,
  closeWaitMs: 1_000,
} as const

interface SocketsOptions {
  handlers: readonly SocketHandler[]
  verifier: Verifier
  allowedOrigins: readonly string[]
}

/** RFC 6455, 7.4.1. */
const closeStatus = { unsupportedData: 1003, invalidPayload: 1007, internalError: 1011 } as const

export interface AttachedSockets {
  close(): Promise<void>
}

/** Answers upgrades on `server`; `close` ends every socket with 1001 and waits a moment for the peers. */
export const attachSockets = (core: Core, server: Server, options: SocketsOptions): AttachedSockets => {
  if (options.handlers.length > 0) return new SocketEdge(core, server, options)
  server.on('upgrade', (request, stream: Duplex) =>
    refuse(core, request, stream, new Failure('not_found', 'no socket')),
  )
  return { close: async () => undefined }
}

class SocketEdge implements AttachedSockets {
  readonly #core: Core
  readonly #options: SocketsOptions
  readonly #byPath: ReadonlyMap<string, SocketHandler>
  readonly #webSockets: WebSocketServer
  readonly #places = new Places(socketLimits.socketsMax, socketLimits.socketsPerUserMax)
  readonly #pings: NodeJS.Timeout
  #closing = false

  constructor(core: Core, server: Server, options: SocketsOptions) {
    this.#core = core
    this.#options = options
    this.#byPath = new Map(options.handlers.map((handler) => [handler.path, handler]))
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: limits.frameBytesMax,
      perMessageDeflate: false,
      // The token's subprotocol is never echoed: it would end up in logs of proxies.
      handleProtocols: (offered, request) => {
        const spoken = this.#byPath.get(readPath(request.url))?.protocol ?? subprotocol
        return offered.has(spoken) ? spoken : false
      },
    })
    const open = core.metrics.gauge('websocket_connections', 'Open WebSockets')
    open.collect(() => this.#webSockets.clients.size)
    this.#pings = setInterval(() => this.#ping(), socketLimits.pingEveryMs)
    this.#pings.unref()
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      this.#upgrade(request, stream, head).catch((error) => refuse(core, request, stream, toFailure(error)))
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#pings)
    const { clients } = this.#webSockets
    const waits = [...clients].map(
      (webSocket) =>
        new Promise<void>((resolve) => {
          webSocket.once('close', () => resolve())
          webSocket.close(closeCodes.goingAway, 'the service is shutting down')
        }),
    )
    await within(this.#core.clock, Promise.all(waits), socketLimits.closeWaitMs)
    for (const webSocket of clients) webSocket.terminate()
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { handler, caller, query } = await this.#admit(request)
    const release = this.#places.take(caller.userId)
    if (typeof release === 'string') throw noPlace(release)
    stream.once('close', release)
    // Left while it was looked at.
    if (stream.destroyed) return release()
    this.#webSockets.handleUpgrade(request, stream, head, (webSocket) =>
      serve(this.#core, handler, webSocket, { caller, query, raw: request }),
    )
  }

  async #admit(request: IncomingMessage) {
    const { allowedHosts } = this.#core.environment
    if (this.#closing || this.#places.size >= socketLimits.socketsMax) throw noPlace('all')
    if (isForeignHost(request.headers.host, request.socket.localAddress, { names: allowedHosts }))
      throw new Failure('forbidden', faults.host.detail)
    const target = readTarget(request.url)
    if (target === undefined || target === 'too long') throw new Failure('invalid_request', 'the target is not a path')
    const handler = this.#byPath.get(target.path)
    if (handler === undefined) throw new Failure('not_found', 'there is no socket at this path')
    const { origin, authorization } = request.headers
    if (origin !== undefined && !this.#options.allowedOrigins.includes(origin))
      throw new Failure('forbidden', 'pages of this origin may not open sockets here')
    const caller = await this.#options.verifier.verify(authorization)
    if (caller.kind !== 'user') throw new Failure('forbidden', 'sockets are for users')
    return { handler, caller, query: new URLSearchParams(target.query) }
  }

  /** Ends those that did not answer the last one. */
  #ping(): void {
    for (const webSocket of this.#webSockets.clients) {
      if (!answered.has(webSocket)) webSocket.terminate()
      else {
        answered.delete(webSocket)
        webSocket.ping()
      }
    }
  }
}

const readPath = (url: string | undefined): string => (url ?? '').split('?', 1)[0] ?? ''

const noPlace = (whose: 'all' | 'own') =>
  whose === 'all'
    ? new Failure('unavailable', 'no more sockets right now', { retryAfterSeconds: 1 })
    : new Failure('too_many_requests', `at most ${socketLimits.socketsPerUserMax} sockets per user`, {
        retryAfterSeconds: 1,
      })

/** Sockets that answered the last ping, or are new. */
const answered = new WeakSet<WebSocket>()

const serve = (
  core: Core,
  handler: SocketHandler,
  webSocket: WebSocket,
  request: { caller: Caller & { kind: 'user' }; query: URLSearchParams; raw: IncomingMessage },
) => {
  answered.add(webSocket)
  webSocket.on('pong', () => answered.add(webSocket))
  webSocket.on('error', (error) => core.log.info({ err: error, path: handler.path }, 'a WebSocket broke'))
  const failed = (error: unknown) => {
    core.log.error({ err: error, path: handler.path }, 'a WebSocket handler broke')
    webSocket.close(closeStatus.internalError, 'internal')
  }
  try {
    Promise.resolve(handler.open(socketOf(core, webSocket, failed), request)).catch(failed)
  } catch (error) {
    failed(error)
  }
}

const socketOf = (core: Core, webSocket: WebSocket, failed: (error: unknown) => void): Socket => {
  const sent = core.metrics.counter('websocket_messages_sent_total', 'Messages written to WebSockets')
  const slow = core.metrics.counter(
    'websocket_slow_closed_total',
    'WebSockets closed because their reader was too slow',
  )
  const write = (message: unknown): boolean => {
    if (webSocket.readyState !== webSocket.OPEN) return false
    if (webSocket.bufferedAmount > socketLimits.bufferedBytesMax) {
      slow.inc()
      webSocket.close(closeCodes.tooSlow, 'too slow')
      return false
    }
    webSocket.send(JSON.stringify(message))
    sent.inc()
    return true
  }
  return {
    send(message, cause) {
      if (cause?.traceparent === undefined) return write(message)
      let written = false
      // The work of the span runs at once, up to its first await: `written` is known when `span` returns.
      void core.tracer.span('websocket send', { kind: 'producer', parent: cause.traceparent }, async () => {
        written = write(message)
      })
      return written
    },
    onMessage(listener) {
      webSocket.on('message', (bytes: Buffer, isBinary) => {
        if (isBinary) return webSocket.close(closeStatus.unsupportedData, 'text only')
        let message: unknown
        try {
          message = readJson(bytes)
        } catch {
          return webSocket.close(closeStatus.invalidPayload, 'not JSON, or too deep')
        }
        try {
          listener(message)
        } catch (error) {
          failed(error)
        }
      })
    },
    onClose(listener) {
      // Its peer may have left while the handler was getting ready.
      if (webSocket.readyState === webSocket.CLOSED) queueMicrotask(listener)
      else webSocket.once('close', () => listener())
    },
    close: (code, reason) => webSocket.close(code, reason),
  }
}

/** An upgrade that is refused gets the same problem as any request. */
const refuse = (core: Core, request: IncomingMessage, stream: Duplex, failure: Failure) => {
  const log = failure.code === 'internal' ? core.log.error : core.log.warn
  log.call(core.log, { path: request.url?.split('?', 1)[0], code: failure.code, err: failure.cause }, 'socket refused')
  const traceId = core.ids.uuid().replaceAll('-', '')
  endWith(stream, rawAnswer(failure.status, failure.code, writtenProblem(failure, traceId)))
}
