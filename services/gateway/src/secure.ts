/** The gateway's port with TLS: HTTP/2 and HTTP/1.1 by ALPN, under the limits and guards of the port without. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { ConnectionTable, GuardOptions } from '@svyaz/listener'
import { gatewayLimits } from './config.ts'
import type { RunningGateway } from './running.ts'

export interface SecureParts extends Pick<GuardOptions, 'cut' | 'isShared' | 'write' | 'refused'> {
  /** PEM. */
  identity: { certificate: string; key: string }
  /** Answers what speaks HTTP/1.1. */
  http1: Server
  /** Where the connections of both ports are counted. */
  table: ConnectionTable<Socket>
  inFlight(): number
  answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void
  /** Takes a WebSocket on a stream (RFC 8441). */
  socket(request: IncomingMessage, stream: ServerHttp2Stream): void
}

/** Takes connections from now on. Rejects when the port can't be had, or key and certificate don't fit. */
export const listenSecurely = async (
  address: { host: string; port: number },
  { identity, http1, inFlight, ...parts }: SecureParts,
): Promise<RunningGateway> => {
  // Loaded late: a gateway behind an edge with TLS never needs them.
  const [{ Http2Listener }, { TlsDoor }] = await Promise.all([
    import('@svyaz/listener/http2.ts'),
    import('@svyaz/listener/tls-door.ts'),
  ])
  const http2 = new Http2Listener({ ...parts, limits: gatewayLimits, dismiss: (socket) => socket.destroy() })
  const door = new TlsDoor({ ...identity, limits: gatewayLimits, http1, http2 })
  const port = await door.listen(address)
  return {
    port,
    inFlight,
    // The requests under way are waited for by the other port's drain, which counts them all.
    async drain() {
      door.close()
      http2.drain()
    },
    async [Symbol.asyncDispose]() {
      door.close()
      http2.destroy()
    },
  }
}
