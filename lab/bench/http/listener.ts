/** Our own listeners with nothing behind them, for what each version costs a Node process: JSON of the ports, then of CPU. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { ConnectionTable, defaultConnectionBounds, defaultHttpLimits, guardHttp, serverOptions } from '@svyaz/listener'
import { Http2Listener, http2Bounds } from '@svyaz/listener/http2.ts'
import { TlsDoor } from '@svyaz/listener/tls-door.ts'

const [certificateFile = '', keyFile = ''] = process.argv.slice(2)
const page = Buffer.alloc(2_048, 'svyaz ')

const large = Buffer.alloc(1024 * 1024, 'svyaz ')
const answer = ({ url }: IncomingMessage | Http2ServerRequest, response: ServerResponse) => {
  const body = url === '/large' ? large : page
  response.writeHead(200, ['content-type', 'text/plain', 'content-length', String(body.length)])
  response.end(body)
}

const table = new ConnectionTable<Socket>(defaultConnectionBounds)
const http1 = createServer(serverOptions(defaultHttpLimits), answer)
guardHttp(http1, { table })
const http2 = new Http2Listener({
  limits: { ...defaultHttpLimits, ...http2Bounds },
  table,
  dismiss: (socket) => socket.destroy(),
  answer,
})
const identity = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
const door = new TlsDoor({ ...identity, http1, http2 })
/** Node's own, without any of our bounds. */
const bare = createSecureServer({ cert: identity.certificate, key: identity.key }, (request, response) =>
  answer(request, response as unknown as ServerResponse),
)
/** HTTP/2 without TLS, which no listener of the system offers; here to be compared. */
const clear = createTcpServer({ noDelay: true }, (socket) => http2.take(socket))

bare.listen(0, '127.0.0.1')
http1.listen(0, '127.0.0.1', () => {
  clear.listen(0, '127.0.0.1', async () => {
    const secure = await door.listen({ host: '127.0.0.1', port: 0 })
    const plain = (http1.address() as AddressInfo).port
    const [clearPort, barePort] = [clear, bare].map((server) => (server.address() as AddressInfo).port)
    process.send?.({ plain, secure, clear: clearPort, bare: barePort })
  })
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ micros: user + system })
})
