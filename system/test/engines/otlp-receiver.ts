/** Stands in for a tool that takes OTLP/HTTP, and shows what it would get. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

/** One export that was taken. */
export interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Protobuf, unpacked. */
  readonly body: Buffer
}

export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly got: readonly Got[]
  /** How many exports were refused. */
  readonly refused: number
  /** From now on: 503 to everything, as a tool that is away behind its balancer; or as before. */
  away(is: boolean): void
}

/** Takes whatever comes, as a tool does that has no fault to find. */
export async function startReceiver(): Promise<Receiver> {
  const got: Got[] = []
  let away = false
  let refused = 0
  const server = createServer(async (request, response) => {
    const sent = await buffer(request)
    if (away) {
      refused += 1
      response.writeHead(503).end()
      return
    }
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    got.push({ path: request.url ?? '', headers: request.headers, body })
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    get refused() {
      return refused
    },
    away(is) {
      away = is
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
