/**
 * The client's side of a WebSocket: a connection of HTTP/1.1 that was upgraded (RFC 6455, 4), or a stream of HTTP/2 (RFC
 * 8441). They differ in how they are answered; the frames are the same bytes.
 */
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Failure, problemHeaders, problemMediaType, problemOf } from '@svyaz/kit'
import { endWith } from '@svyaz/listener'
import { rawProblem } from './answers.ts'

export interface SocketClient {
  /** Frames, both ways, once it was accepted. */
  readonly bytes: Duplex
  readonly remoteAddress: string
  /** The request's method when it asks for a WebSocket. */
  readonly method: 'GET' | 'CONNECT'
  /** Whether the client made a key and checks the answer to it; on HTTP/2 there is none. */
  readonly hasKey: boolean
  /** @param fields of the service's answer, flat */
  accept(fields: readonly string[], traceId: string): void
  refuse(failure: Failure, traceId: string): void
}

/** A connection whose request asked to be upgraded. */
export const onConnection = (socket: Socket): SocketClient => ({
  bytes: socket,
  remoteAddress: socket.remoteAddress ?? '',
  method: 'GET',
  hasKey: true,
  accept(fields, traceId) {
    let lines = ''
    for (let at = 0; at < fields.length; at += 2) lines += `${fields[at]}: ${fields[at + 1]}\r\n`
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nx-trace-id: ${traceId}\r\n${lines}\r\n`,
    )
  },
  refuse: (failure, traceId) => endWith(socket, rawProblem(failure, traceId)),
})

/** A stream whose request was an extended CONNECT. */
export const onStream = (stream: ServerHttp2Stream): SocketClient => ({
  bytes: stream,
  remoteAddress: stream.session?.socket.remoteAddress ?? '',
  method: 'CONNECT',
  hasKey: false,
  accept(fields, traceId) {
    const headers: Record<string, string | number> = { ':status': 200, 'x-trace-id': traceId }
    for (let at = 0; at < fields.length; at += 2)
      // Belongs to a key, which there isn't here.
      if (fields[at] !== 'sec-websocket-accept') headers[fields[at]!] = fields[at + 1]!
    stream.respond(headers)
  },
  refuse(failure, traceId) {
    // Taken back by the client: `respond` throws on a stream that is closed.
    if (stream.destroyed || stream.closed) return
    stream.respond({
      ':status': failure.status,
      'content-type': problemMediaType,
      'cache-control': 'no-store',
      'x-trace-id': traceId,
      ...problemHeaders(failure),
    })
    stream.end(JSON.stringify(problemOf(failure, traceId)))
    // What the client may still send is not wanted.
    stream.once('finish', () => stream.close())
  },
})
