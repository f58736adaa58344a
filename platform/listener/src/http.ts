/**
 * A guarded HTTP server. Read `createHttpListener` first: all of it together, for a process that answers requests by a
 * function of its own. Servers that a framework makes take the parts: `serverOptions`, `guardHttp`, `answering`.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionBounds, defaultConnectionBounds } from './connections.ts'
import { boundHttpConnections, type CrowdOptions } from './crowd.ts'
import { Farewells } from './farewells.ts'
import { type BrokenRequest, faultOf, faults, type ListenerFault } from './faults.ts'
import { type HostRule, isForeignHost } from './hosts.ts'
import { boundUnread } from './http1-unread.ts'
import { endWith, rawAnswer, type Written, writeProblem } from './raw-answer.ts'
import { withRetryAfter } from './retry-after.ts'
import { holdErrors } from './sockets.ts'
import { readTarget, type Target } from './target.ts'
import { unreadMsMax } from './unread.ts'

export interface HttpListenerLimits {
  /** Request line and headers together. */
  readonly headerBytesMax: number
  /** How long the header section, and the whole request with its body, may take to arrive. */
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
  /** How long a client may take nothing of what is there for it, be it an answer or a WebSocket's (unread.ts). */
  readonly unreadMsMax: number
  /** How often the times above are looked at: one may be over by so much. */
  readonly checkEveryMs: number
}

export const defaultHttpLimits: HttpListenerLimits = Object.freeze({
  headerBytesMax: 16 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  unreadMsMax,
  checkEveryMs: 1_000,
})

export type GuardOptions = {
  /** How refusals are written; problem+json when left out. */
  readonly write?: (fault: ListenerFault) => Written
  /** A request, or what should have been one, was refused; for the log. `address` is the peer's, where it is known. */
  readonly refused?: (fault: ListenerFault, cause: unknown, address?: string) => void
  /** How many connections there may be (connections.ts); each bound has a default. */
  readonly connections?: Partial<ConnectionBounds>
  /** What node:http itself has no bound for; each has a default. The others are `serverOptions`. */
  readonly limits?: Partial<Pick<HttpListenerLimits, 'unreadMsMax' | 'checkEveryMs'>>
  /** Milliseconds of a monotonic clock, for those limits. */
  readonly now?: () => number
} & Partial<Pick<CrowdOptions, 'cut' | 'isShared' | 'table'>>

/** For `createServer`. Node looks at its time-outs every 30 s unless told otherwise: 10 s would be up to 40. */
export const serverOptions = (limits: HttpListenerLimits): ServerOptions => ({
  maxHeaderSize: limits.headerBytesMax,
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: limits.checkEveryMs,
  insecureHTTPParser: false,
  noDelay: true,
})

/**
 * Makes whatever arrives at a server's sockets harmless: too many of them, errors at any moment, answers that nobody
 * reads, CONNECT, unknown expectations, what isn't HTTP. Upgrades stay the server's own affair; without a listener for them node:http ignores the header
 * (RFC 9110, 7.8).
 */
export function guardHttp(server: Server, options: GuardOptions = {}): void {
  const { write = writeProblem, refused = () => undefined } = options
  const farewell = new Farewells()
  holdErrors(server, (error) => refused(faults.broken, error))
  boundHttpConnections(server, {
    bounds: { ...defaultConnectionBounds, ...options.connections },
    refuse: (socket) => farewell.say(socket, write),
    dismiss: (socket) => farewell.say(socket, write),
    ...(options.cut && { cut: options.cut }),
    ...(options.isShared && { isShared: options.isShared }),
    ...(options.table && { table: options.table }),
  })
  boundUnread(server, {
    ...defaultHttpLimits,
    ...options.limits,
    now: options.now ?? (() => performance.now()),
    cut(socket) {
      refused(faults.unread, undefined, socket.remoteAddress)
      socket.destroy()
    },
  })
  server.on('connect', (_request, socket) => refuseSocket(socket, faults.tunnel, write))
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    if (response.socket) refuseSocket(response.socket, faults.expectation, write)
  })
  server.on('clientError', (error, socket) => answerBroken(error, socket, { write, refused }))
}

/** A listener for `clientError`: what isn't HTTP is told so, and the connection ends. */
export function answerBroken(error: Error & BrokenRequest, socket: Duplex, options: GuardOptions = {}): void {
  const { write = writeProblem, refused = () => undefined } = options
  const fault = faultOf(error)
  // An answer under way must not be mixed with this one.
  const busy = (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
  if (fault === undefined || busy || !socket.writable) return void socket.destroy()
  refused(fault, error, (socket as Socket).remoteAddress)
  refuseSocket(socket, fault, write)
}

/**
 * Refuses a connection on which no request could be read.
 * @param write the answer's body and headers for a fault
 */
export const refuseSocket = (socket: Duplex, fault: ListenerFault, write: (fault: ListenerFault) => Written): void =>
  endWith(socket, rawAnswer(fault.status, fault.code, write(fault)))

/** Refuses a request that was read. The connection is not used further: what follows on it is as doubtful. */
export function refuseRequest(
  response: ServerResponse,
  fault: ListenerFault,
  write: (fault: ListenerFault) => Written,
) {
  if (response.headersSent) return void response.destroy()
  const { headers, body } = write(fault)
  response.writeHead(fault.status, {
    ...withRetryAfter(fault.status, headers),
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  response.end(body)
}

export interface AnsweringOptions extends GuardOptions {
  /** Names under which it may be called, beside addresses and localhost (hosts.ts); none when left out. */
  readonly hosts?: HostRule
  /** Answers one request. A throw or a rejection becomes a bare 500. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, target: Target) => void | Promise<void>
}

/** A request listener out of which nothing is thrown, and into which no odd target gets. */
export function answering(options: AnsweringOptions): RequestListener {
  const { answer, hosts = { names: [] }, write = writeProblem, refused = () => undefined } = options
  return (request, response) => {
    response.on('error', () => undefined)
    const broke = (error: unknown) => {
      refused(faults.broken, error)
      refuseRequest(response, faults.broken, write)
    }
    const target = readTarget(request.url)
    if (target === undefined || target === 'too long') {
      const fault = target === undefined ? faults.target : faults.targetLength
      refused(fault, undefined, request.socket.remoteAddress)
      return refuseRequest(response, fault, write)
    }
    if (isForeignHost(request.headers.host, request.socket.localAddress, hosts)) {
      refused(faults.host, undefined, request.socket.remoteAddress)
      return refuseRequest(response, faults.host, write)
    }
    try {
      const work = answer(request, response, target)
      if (work !== undefined) work.catch(broke)
    } catch (error) {
      broke(error)
    }
  }
}

/** A server that is ready to listen. */
export function createHttpListener(
  options: AnsweringOptions & { readonly limits?: Partial<HttpListenerLimits> },
): Server {
  const server = createServer(serverOptions({ ...defaultHttpLimits, ...options.limits }), answering(options))
  guardHttp(server, options)
  return server
}
