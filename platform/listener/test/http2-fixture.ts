/** A door with TLS for tests of HTTP/2: a client of node:http2 for what is well-formed, frames by hand for what isn't. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders, type Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ConnectionTable, defaultConnectionBounds } from '../src/connections.ts'
import type { ListenerFault } from '../src/faults.ts'
import { defaultHttpLimits, guardHttp, serverOptions } from '../src/http.ts'
import { Http2Listener, type Http2ListenerOptions, http2Bounds } from '../src/http2.ts'
import { field, frame, loopbackCertificate, start } from '../src/testing.ts'
import { TlsDoor, type TlsDoorOptions } from '../src/tls-door.ts'

/** PEM of who is to be trusted, and of the door's key. */
const { certificate, key } = loopbackCertificate()

export { certificate, field, frame, start }

/** What is open for one test. */
export interface Door extends AsyncDisposable {
  readonly port: number
  readonly http2: Http2Listener
  readonly table: ConnectionTable<Socket>
  /** Codes of what was refused, and why it was. */
  readonly refusals: string[]
  readonly faults: string[]
  readonly failures: string[]
  session(settings?: Settings): ClientHttp2Session
}

type Changes = Partial<Pick<Http2ListenerOptions, 'answer' | 'socket'>> & {
  /** The clock by which HTTP/1.1 looks for answers that nobody reads. */
  now?: () => number
  limits?: Partial<Http2ListenerOptions['limits']>
  bounds?: Partial<typeof defaultConnectionBounds>
  tls?: TlsDoorOptions['limits']
}

/** What is asked for comes back: method, path, version, Host and the body. */
const echo = (request: IncomingMessage, response: ServerResponse) => {
  void text(request).then(
    (body) => {
      const { method, url, httpVersion, headers } = request
      response.writeHead(200, ['content-type', 'application/json'])
      response.end(JSON.stringify({ method, url, httpVersion, host: headers.host, raw: request.rawHeaders, body }))
    },
    () => undefined,
  )
}

/** Opens a port with TLS, for HTTP/2 and HTTP/1.1 on one table. */
export async function openDoor({ answer = echo, socket, limits, bounds, tls, now }: Changes = {}): Promise<Door> {
  const refusals: string[] = []
  const faults: string[] = []
  const failures: string[] = []
  const table = new ConnectionTable<Socket>({ ...defaultConnectionBounds, ...bounds })
  const http1 = createServer(serverOptions(defaultHttpLimits), (request, response) => answer(request, response, false))
  const refused = ({ code, detail }: ListenerFault) => {
    refusals.push(code)
    faults.push(detail)
  }
  guardHttp(http1, { table, refused, ...(limits && { limits }), ...(now && { now }) })
  // Its time-outs are looked at while it listens.
  await once(http1.listen(0, '127.0.0.1'), 'listening')
  const http2 = new Http2Listener({
    limits: { ...defaultHttpLimits, ...http2Bounds, ...limits },
    table,
    dismiss: (socket) => socket.destroy(),
    refused,
    answer,
    ...(socket && { socket }),
  })
  const door = new TlsDoor({
    certificate,
    key,
    http1,
    http2,
    failed: (error) => failures.push(error.message),
    ...(tls && { limits: tls }),
  })
  const port = await door.listen({ host: '127.0.0.1', port: 0 })
  return {
    port,
    http2,
    table,
    refusals,
    faults,
    failures,
    session(settings = {}) {
      const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: certificate, settings })
      session.on('error', () => undefined)
      return session
    },
    async [Symbol.asyncDispose]() {
      door.close()
      http2.destroy()
      http1.closeAllConnections()
      http1.close()
    },
  }
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: string
}

/** One request; rejects when its stream breaks. */
export async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined })
  const head = once(stream, 'response') as Promise<[Record<string, unknown>]>
  if (body !== undefined) stream.end(body)
  const [answered] = await head
  return { status: Number(answered[':status']), headers: answered, body: await text(stream) }
}

/** Four bytes of a frame. */
export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
/** The header block of a GET, with more fields. */
export const get = (...more: Buffer[]): Buffer =>
  Buffer.concat([
    ...[':method', 'GET', ':scheme', 'https', ':path', '/', ':authority', 'localhost'].flatMap((name, index, all) =>
      index % 2 === 0 ? [field(name, all[index + 1]!)] : [],
    ),
    ...more,
  ])
/** Speaks HTTP/2 with these bytes; `ended` when the server has closed the connection, with what it sent. */
export async function speak(port: number, bytes: Buffer): Promise<{ socket: TLSSocket; ended: Promise<Buffer> }> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: certificate, ALPNProtocols: ['h2'] })
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('error', () => undefined)
  const ended = new Promise<Buffer>((resolve) => {
    socket.once('close', () => resolve(Buffer.concat(received)))
  })
  await once(socket, 'secureConnect')
  socket.write(bytes)
  return { socket, ended }
}

/** Resolves when the server has sent these bytes. */
export const until = (socket: TLSSocket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk])
      if (seen.includes(bytes)) resolve()
    })
  })
