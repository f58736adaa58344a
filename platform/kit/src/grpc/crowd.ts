/**
 * How many connections and calls a gRPC server has at once, by the rule of every listener (decision 0034): at a bound the
 * one goes that has waited longest. A call waits until a service has proven itself on it, so nobody else's calls, begun
 * without a message or watching the health for ever, keep a service out. Sockets come from a listener of our own, since
 * grpc-js has no bound on connections; calls are seen by an interceptor, before their first message.
 */
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js'
import { addressKey, boundConnections, type ConnectionBounds, ConnectionTable, holdErrors } from '@svyaz/listener'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import type { GrpcLibrary } from './library.ts'
import type { StatusFor } from './status.ts'

export interface CrowdBounds extends ConnectionBounds {
  /** Calls at once, streams among them. */
  readonly callsMax: number
  readonly callsPerAddressMax: number
  /** How long a call may take to show its service before it is the first to go. */
  readonly firstMessageMs: number
  readonly retryAfterSeconds: number
}

interface Waiting {
  readonly call: ServerInterceptingCallInterface
  readonly socket: Socket | undefined
}

/** The connections and calls of one server. */
export class GrpcCrowd {
  readonly #grpc: GrpcLibrary
  readonly #core: Core
  readonly #bounds: CrowdBounds
  readonly #statusFor: StatusFor
  readonly #calls: ConnectionTable<Waiting>
  readonly #connections: ConnectionTable<Socket>
  readonly #sockets = new Map<string, Socket>()
  /** Where a handler finds its call again: grpc-js passes this object through. */
  readonly #byMetadata = new WeakMap<Metadata, Waiting>()
  readonly listener: NetServer = createServer({ noDelay: true })

  constructor(grpc: GrpcLibrary, core: Core, bounds: CrowdBounds, statusFor: StatusFor) {
    this.#grpc = grpc
    this.#core = core
    this.#bounds = bounds
    this.#statusFor = statusFor
    this.#calls = new ConnectionTable({
      connectionsMax: bounds.callsMax,
      connectionsPerAddressMax: bounds.callsPerAddressMax,
      firstRequestMs: bounds.firstMessageMs,
    })
    const cut = core.metrics.counter('grpc_connections_cut_total', 'Waiting connections closed to make room for others')
    holdErrors(this.listener, (error) => core.log.error({ err: error }, 'a gRPC connection could not be accepted'))
    this.#connections = boundConnections(this.listener, {
      bounds,
      refuse: (socket) => void socket.destroy(),
      cut: () => cut.inc(),
    })
  }

  /** Hands each connection that has a place to `serve`. */
  onConnection(serve: (socket: Socket) => void): void {
    this.listener.on('connection', (socket: Socket) => {
      if (socket.destroyed) return
      const peer = peerOf(socket)
      this.#sockets.set(peer, socket)
      socket.once('close', () => this.#sockets.delete(peer))
      serve(socket)
    })
  }

  /** Sees every call of a known method, from its first header. */
  get interceptor(): ServerInterceptor {
    return (_method, call) => {
      const waiting: Waiting = { call, socket: this.#sockets.get(call.getPeer()) }
      return new this.#grpc.ServerInterceptingCall(call, {
        start: (next) => {
          if (!this.#admit(waiting)) return
          next({
            onReceiveMetadata: (metadata, pass) => {
              this.#byMetadata.set(metadata, waiting)
              pass(metadata)
            },
            onReceiveMessage: (message, pass) => pass(message),
            onReceiveHalfClose: (pass) => pass(),
            onCancel: () => this.#calls.closed(waiting),
          })
        },
      })
    }
  }

  /** A service has proven itself on this call: it has its place until it ends. @returns to be called at its end */
  proven(metadata: Metadata): () => void {
    const waiting = this.#byMetadata.get(metadata)
    if (waiting === undefined) return () => undefined
    const { socket } = waiting
    this.#calls.began(waiting)
    if (socket) this.#connections.began(socket)
    return () => {
      this.#calls.ended(waiting)
      if (socket) this.#connections.ended(socket)
    }
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const socket of this.#sockets.values()) socket.destroy()
  }

  #admit(waiting: Waiting): boolean {
    const key = addressKey(waiting.socket?.remoteAddress ?? '')
    const { admitted, cut } = this.#calls.opened(waiting, key, this.#core.clock.monotonic())
    if (cut !== undefined) this.#refuse(cut)
    if (!admitted) this.#refuse(waiting)
    return admitted
  }

  /**
   * Says so and, where no service is at work on that connection, ends it: a stream that is answered stays with us until
   * its client ends it too.
   */
  #refuse({ call, socket }: Waiting): void {
    const { retryAfterSeconds } = this.#bounds
    call.sendStatus(
      this.#statusFor(new Failure('unavailable', 'too many requests are in progress', { retryAfterSeconds })),
    )
    if (socket && !this.#connections.works(socket)) setImmediate(() => socket.destroy())
  }
}

/** As grpc-js's `getPeer` says it. */
const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`
