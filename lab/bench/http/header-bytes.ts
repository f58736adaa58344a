/** What the header section of the 1st and of the 50th request of one connection costs on the wire, by version. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'

export interface HeaderBytes {
  readonly version: string
  /** Of the request's header section: request line and fields, or the frame that holds them. */
  readonly first: number
  readonly fiftieth: number
}

/** As a browser sends them to this system. */
export const fields: readonly (readonly [string, string])[] = [
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  ],
  ['accept', 'application/json, text/plain, */*'],
  ['accept-language', 'en-GB,en;q=0.9,ru;q=0.8'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['referer', 'https://localhost:8443/docs/'],
  ['authorization', `Bearer svya_${'k'.repeat(43)}`],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['sec-fetch-mode', 'cors'],
  ['sec-fetch-site', 'same-origin'],
]
const path = '/orders?limit=20'
const requests = 50

/**
 * HTTP/1.1 and HTTP/2 as node:http's and node:http2's clients write them, counted at the socket; HTTP/3 by aioquic's
 * encoder.
 *
 * @param python the one that has aioquic; HTTP/3 is left out without
 */
export async function headerBytes(python: string | undefined): Promise<HeaderBytes[]> {
  const counted = [await overHttp1(), await overHttp2()]
  if (python === undefined) return counted
  const said = execFileSync(python, [join(import.meta.dirname, 'header-bytes.py')], {
    input: JSON.stringify({ fields: [...pseudo('localhost:8443'), ...fields], requests }),
  })
  return [...counted, { version: '3', ...(JSON.parse(said.toString()) as { first: number; fiftieth: number }) }]
}

const pseudo = (authority: string): [string, string][] => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', authority],
  [':path', path],
]

async function overHttp1(): Promise<HeaderBytes> {
  const server = createServer((_request, response) => response.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const bytes = Buffer.byteLength(`GET ${path} HTTP/1.1\r\nhost: localhost:${port}\r\n${lines}\r\n`)
  server.close()
  // Nothing is remembered between requests: each says all of it.
  return { version: '1.1', first: bytes, fiftieth: bytes }
}

async function overHttp2(): Promise<HeaderBytes> {
  const server = createHttp2Server((_request, response) => response.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  let socket: Socket | undefined
  const session = connectHttp2(`http://localhost:${port}`, {
    createConnection: () => {
      socket = connect(port, '127.0.0.1')
      return socket
    },
  })
  // The preface, SETTINGS and their answers go first.
  await once(session, 'remoteSettings')
  await new Promise((resolve) => session.ping(() => resolve(undefined)))
  const each: number[] = []
  for (let request = 0; request < requests; request++) {
    const before = socket!.bytesWritten
    const stream = session.request(Object.fromEntries([...pseudo(`localhost:${port}`), ...fields]))
    await once(stream.resume(), 'close')
    each.push(socket!.bytesWritten - before)
  }
  session.close()
  server.close()
  return { version: '2', first: each[0]!, fiftieth: each.at(-1)! }
}
