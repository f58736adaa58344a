/**
 * HTTP/2 (RFC 9113) for a listener that has connections already, usually from TLS (tls-door.ts), under the same bounds as
 * HTTP/1.1. Requests come out in the form of node:http, so that whoever answers needs to know nothing of it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { ConnectionTable } from './connections.ts'
import { admit, type CrowdOptions } from './crowd.ts'
import { faults, type ListenerFault } from './faults.ts'
import type { HttpListenerLimits } from './http.ts'
import { followOutgoing, PiecewiseResponse } from './http2-answer.ts'
import { formAsHttp1 } from './http2-form.ts'
import { type OpenRequest, overdue, type SessionState } from './http2-time.ts'
import { type Written, writeProblem } from './raw-answer.ts'
import { withRetryAfter } from './retry-after.ts'
import { lookedAt, type Outgoing, stoodStill } from './unread.ts'

export interface Http2Limits extends HttpListenerLimits {
  /** Header fields of a request; a name and its value are one. */
  readonly headerFieldsMax: number
  /** Requests under way on one connection. */
  readonly streamsMax: number
  /** What one connection may hold of memory in nghttp2 and Node, in MB: header tables, frames to be sent. */
  readonly sessionMemoryMb: number
  /** Streams that a client takes back: at once, and then per second, or the connection ends (CVE-2023-44487). */
  readonly resetsAtOnceMax: number
  readonly resetsPerSecondMax: number
  /** Frames that break the protocol, and streams refused, before the connection ends. */
  readonly faultsMax: number
}

/** What HTTP/2 has beyond the limits of HTTP/1.1. */
export const http2Bounds = Object.freeze({
  headerFieldsMax: 100,
  streamsMax: 100,
  sessionMemoryMb: 4,
  resetsAtOnceMax: 200,
  resetsPerSecondMax: 20,
  faultsMax: 100,
})

export interface Http2ListenerOptions extends Partial<Pick<CrowdOptions, 'cut' | 'isShared'>> {
  readonly limits: Http2Limits
  /** Where connections are counted, usually together with those of HTTP/1.1. */
  readonly table: ConnectionTable<Socket>
  /** Ends a waiting connection that makes room for another. */
  readonly dismiss: (socket: Socket) => void
  /** How refusals are written; problem+json when left out. */
  readonly write?: (fault: ListenerFault) => Written
  readonly refused?: (fault: ListenerFault, cause: unknown, address?: string) => void
  /** A request, in the form of node:http; `expectsContinue` when it waits for 100 before it sends its body. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void
  /** A WebSocket on a stream (RFC 8441): whoever takes it answers on the stream. Not offered when left out. */
  readonly socket?: (request: IncomingMessage, stream: ServerHttp2Stream) => void
}

interface Request extends OpenRequest {
  readonly stream: ServerHttp2Stream
  /** Followed from the first look on: most answers are gone by then. */
  outgoing: (() => Outgoing) | undefined
}

interface Session extends SessionState<Request> {
  readonly socket: Socket
}

/** HTTP/2 on connections that are handed to `take`. */
export class Http2Listener {
  readonly #options: Http2ListenerOptions
  readonly #server: Http2Server
  readonly #sessions = new Map<ServerHttp2Session, Session>()
  /** Streams that are WebSockets: no end is waited for, as nobody knows when one comes. */
  readonly #sockets = new WeakSet<ServerHttp2Stream>()
  /** Streams whose answer is a refusal: nothing more is waited for, but that it leaves. */
  readonly #refused = new WeakSet<ServerHttp2Stream>()
  #arriving: Socket | undefined
  #watch: NodeJS.Timeout | undefined
  #lookedAt = 0

  constructor(options: Http2ListenerOptions) {
    this.#options = options
    this.#server = createServer(serverOptions(options))
    this.#server.on('session', (session) => this.#opened(session))
    this.#server.on('request', (request, response) => this.#onRequest(request, response, false))
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response, true))
    this.#server.on('checkExpectation', (_request, { stream }) => this.#refuse(stream, faults.expectation))
    // Node answers it with a bare 405, which nobody counts.
    this.#server.on('connect', (request) => this.#onConnect(request))
    // Each session has its own listener too; this one is for what comes before there is a session.
    this.#server.on('sessionError', () => undefined)
  }

  /** How many connections there are. */
  get size(): number {
    return this.#sessions.size
  }

  /** Serves a connection on which the client is about to send HTTP/2's preface. */
  take(socket: Socket): void {
    socket.on('error', () => undefined)
    if (!admit(socket, this.#options.table, this.#options)) return void socket.destroy()
    this.#arriving = socket
    this.#server.emit('connection', socket)
    this.#arriving = undefined
  }

  /** Tells every client to send nothing new here (GOAWAY); requests under way are answered. */
  drain(): void {
    for (const session of this.#sessions.keys()) session.close()
  }

  /** Ends every connection. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy()
  }

  #opened(session: ServerHttp2Session): void {
    const socket = this.#arriving
    if (socket === undefined) return session.destroy()
    const state = { socket, openedAt: performance.now(), restedAt: undefined, requests: new Set<Request>() }
    this.#sessions.set(session, state)
    session.on('error', (error) => this.#options.refused?.(faults.malformed, error, socket.remoteAddress))
    session.once('close', () => {
      this.#sessions.delete(session)
      if (this.#sessions.size > 0) return
      clearInterval(this.#watch)
      this.#watch = undefined
    })
    session.on('stream', (stream) => this.#begun(stream, state))
    // Only while there are sessions: a gateway that nobody calls has no timer.
    if (this.#watch === undefined) this.#lookedAt = performance.now()
    this.#watch ??= setInterval(() => this.#look(), this.#options.limits.checkEveryMs).unref()
  }

  /** Follows a request from its headers to the end of its answer. */
  #begun(stream: ServerHttp2Stream, state: Session): void {
    const { table } = this.#options
    const request: Request = {
      stream,
      outgoing: undefined,
      beganAt: performance.now(),
      complete: false,
      refused: this.#refused.has(stream),
      unread: undefined,
    }
    state.requests.add(request)
    const complete = () => {
      if (request.complete || request.refused || stream.closed) return
      request.complete = true
      table.began(state.socket)
    }
    if (stream.endAfterHeaders || this.#sockets.has(stream)) complete()
    else stream.once('end', complete)
    stream.on('error', () => undefined)
    // The answer is there, the body isn't: it is not wanted any more (RFC 9113, 8.1). Trailers go first: this comes
    // with every answer of the compatibility classes, when its last byte is on its way.
    stream.once('wantTrailers', () =>
      setImmediate(() => {
        if (!request.complete) stream.close(constants.NGHTTP2_NO_ERROR)
      }),
    )
    stream.once('close', () => {
      state.requests.delete(request)
      if (request.complete) table.ended(state.socket)
      state.restedAt = performance.now()
    })
  }

  #look(): void {
    const now = performance.now()
    const still = stoodStill(this.#lookedAt, now, this.#options.limits.checkEveryMs)
    this.#lookedAt = now
    for (const [session, state] of this.#sessions) {
      for (const request of state.requests) {
        request.outgoing ??= followOutgoing(request.stream)
        request.unread = lookedAt(still ? undefined : request.unread, request.outgoing(), now)
      }
      if (still) continue
      const due = overdue(state, now, this.#options.limits)
      if (due === 'session') {
        this.#end(session, state)
        continue
      }
      for (const request of due.late) {
        request.refused = true
        this.#refuse(request.stream, faults.slow)
      }
      this.#cut(due.unread, state)
    }
  }

  /** GOAWAY, and a moment for the client to read it. One that reads nothing would keep its connection: Node waits for that. */
  #end(session: ServerHttp2Session, { socket }: Session): void {
    if (!session.closed) return session.close()
    session.destroy()
    socket.destroy()
  }

  /** Drops answers that aren't read, and says so once; others on their connection go on. RST_STREAM needs no window. */
  #cut(unread: readonly Request[], { socket }: Session): void {
    const streams = unread.map(({ stream }) => stream).filter(({ destroyed }) => !destroyed)
    if (streams.length > 0) this.#options.refused?.(faults.unread, undefined, socket.remoteAddress)
    for (const stream of streams) {
      stream.close(constants.NGHTTP2_CANCEL)
      // With an error: the answer may have been handed over whole, and must not be taken for a sent one (wasSentWhole).
      stream.destroy(new Error(faults.unread.detail))
    }
  }

  #onRequest(request: Http2ServerRequest, response: Http2ServerResponse, expectsContinue: boolean): void {
    response.on('error', () => undefined)
    const fault = formAsHttp1(request)
    if (fault !== undefined) return this.#refuse(request.stream, fault)
    // The compatibility classes have what is used of node:http's (test/http2.test.ts holds them to it).
    this.#options.answer(request as unknown as IncomingMessage, response as unknown as ServerResponse, expectsContinue)
  }

  /** Before the session's own `stream` event, in which {@link #begun} follows it. */
  #onConnect(request: Http2ServerRequest): void {
    const { socket } = this.#options
    const { stream, headers } = request
    if (socket === undefined || headers[':protocol'] !== 'websocket') return this.#refuse(stream, faults.tunnel)
    const fault = formAsHttp1(request)
    if (fault !== undefined) return this.#refuse(stream, fault)
    this.#sockets.add(stream)
    socket(request as unknown as IncomingMessage, stream)
  }

  /** Refuses one request; others on its connection go on. */
  #refuse(stream: ServerHttp2Stream, fault: ListenerFault): void {
    const { refused, write = writeProblem } = this.#options
    if (stream.destroyed) return
    // Taken back, with something of its body unread still: nobody is there to be told, and `respond` throws.
    if (stream.closed) return void stream.destroy()
    refused?.(fault, undefined, stream.session?.socket.remoteAddress)
    if (stream.headersSent) return stream.close(constants.NGHTTP2_CANCEL)
    this.#refused.add(stream)
    const { headers, body } = write(fault)
    stream.respond({ ':status': fault.status, ...withRetryAfter(fault.status, headers) })
    // After the answer; what is still to come of the request is not wanted. Not before: a closed stream can't be cut.
    const close = () => stream.close(constants.NGHTTP2_NO_ERROR)
    // Of HEAD, Node has ended the answer when the request came.
    if (!stream.writableEnded) stream.end(body)
    if (stream.writableFinished) close()
    else stream.once('finish', close)
  }
}

function serverOptions({ limits, socket }: Http2ListenerOptions): ServerOptions {
  return {
    Http2ServerResponse: PiecewiseResponse,
    maxSessionMemory: limits.sessionMemoryMb,
    // Beside the fields there are up to five pseudo-fields.
    maxHeaderListPairs: limits.headerFieldsMax + 5,
    maxSettings: 32,
    maxSessionInvalidFrames: limits.faultsMax,
    maxSessionRejectedStreams: limits.faultsMax,
    streamResetBurst: limits.resetsAtOnceMax,
    streamResetRate: limits.resetsPerSecondMax,
    settings: {
      enablePush: false,
      enableConnectProtocol: socket !== undefined,
      maxConcurrentStreams: limits.streamsMax,
      maxHeaderListSize: limits.headerBytesMax,
    },
  }
}
