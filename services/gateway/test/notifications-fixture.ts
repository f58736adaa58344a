/** A service with WebSockets, as the gateway finds it. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** Echoes; keeps the handshakes; can speak first. */
export const startNotifications = async () => {
  const server = createServer((_request, response) => response.writeHead(404).end())
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has('svyaz.v1') ? 'svyaz.v1' : false),
  })
  const handshakes: IncomingMessage[] = []
  sockets.on('connection', (socket, request) => {
    handshakes.push(request)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => undefined)
    socket.send('hello')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    handshakes,
    sockets,
    instance: { id: 'notifications-1', host: '127.0.0.1', ports: { http: port } },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
