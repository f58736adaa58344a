/** What is behind the edge in the bench: 2 kB for every path, over HTTP/1.1 without TLS. Prints its port. */
import { createServer } from 'node:http'

const page = Buffer.alloc(2_048, 'svyaz ')

const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'text/plain',
    'content-length': page.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'timing-allow-origin': '*',
  })
  response.end(page)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as { port: number }).port}\n`)
})
