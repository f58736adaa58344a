/** What every contestant passes requests on to, and where their spans go: answers of 2 kB at once. Sends its port. */
import { createServer } from 'node:http'

const body = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: 'a desk lamp made of brass', note: 'x'.repeat(28) })),
})

const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => {
    response.writeHead(200, ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))])
    response.end(body)
  })
})
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
