/**
 * A TLS listener in front of servers that speak HTTP: each connection goes, by what the client chose (ALPN, RFC 7301), to
 * HTTP/2 or to the very server that answers HTTP/1.1 without TLS, whose guards hold for it too. What this adds is bounds
 * for the time before: handshakes cost most of all that a stranger may ask for.
 */
import type { AddressInfo, Server as HttpServer, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { holdErrors } from './sockets.ts'

export interface TlsLimits {
  /** Handshakes under way: one more ends the one that began first. */
  readonly handshakesMax: number
  readonly handshakeMs: number
}

export const defaultTlsLimits: TlsLimits = Object.freeze({ handshakesMax: 256, handshakeMs: 5_000 })

export interface TlsDoorOptions {
  /** PEM: the certificate, with those between it and its root, and its key. */
  readonly certificate: string
  readonly key: string
  readonly limits?: Partial<TlsLimits>
  /** Answers HTTP/1.1. It may be listening elsewhere. */
  readonly http1: HttpServer
  /** Takes connections that speak HTTP/2. */
  readonly http2: { take(socket: Socket): void }
  /** A handshake failed, or took too long. */
  readonly failed?: (error: Error, address: string | undefined) => void
}

/** Opens and closes a TLS port. */
export class TlsDoor {
  readonly #options: TlsDoorOptions
  readonly #server: Server
  /** By address and port of the peer, which both ends of a handshake know: raw sockets on which one is under way. */
  readonly #handshakes = new Map<string, Socket>()

  constructor(options: TlsDoorOptions) {
    this.#options = options
    const { handshakesMax, handshakeMs } = { ...defaultTlsLimits, ...options.limits }
    this.#server = createServer({
      cert: options.certificate,
      key: options.key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: handshakeMs,
      noDelay: true,
    })
    holdErrors(this.#server, (error) => options.failed?.(error, undefined))
    this.#server.on('connection', (socket: Socket) => this.#begin(socket, handshakesMax))
    this.#server.on('secureConnection', (socket) => this.#pass(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      options.failed?.(error, socket.remoteAddress)
      // Node reports a handshake that takes too long, and leaves the connection open.
      this.#handshakes.get(peerOf(socket))?.destroy()
      socket.destroy()
    })
  }

  /** Rejects when the port can't be had. @returns the port */
  listen({ host, port }: { readonly host: string; readonly port: number }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  /** No new connections; what was handed on is its server's. */
  close(): void {
    this.#server.close()
    for (const socket of this.#handshakes.values()) socket.destroy()
  }

  #begin(socket: Socket, handshakesMax: number): void {
    const peer = peerOf(socket)
    const [oldest] = this.#handshakes
    if (this.#handshakes.size >= handshakesMax && oldest !== undefined) {
      this.#handshakes.delete(oldest[0])
      oldest[1].destroy()
    }
    this.#handshakes.set(peer, socket)
    socket.once('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer)
    })
  }

  #pass(socket: TLSSocket): void {
    this.#handshakes.delete(peerOf(socket))
    if (socket.alpnProtocol === 'h2') this.#options.http2.take(socket)
    else this.#options.http1.emit('connection', socket)
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
