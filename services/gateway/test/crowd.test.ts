/** Connections that do no work, on a real gateway: they must not keep anybody out. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { bearer, rawExchange, startGateway, startUpstream } from './gateway-fixture.ts'

const connectionsPerAddressMax = 200
const count = connectionsPerAddressMax + 60
const head = (text: string) => `${text}\r\nhost: localhost\r\n`

/** As many connections as given, each with `bytes` on it, and with its answer where one is due. */
const crowd = async (port: number, bytes: string, answered: boolean) => {
  const sockets: Socket[] = []
  let closed = 0
  const come = async () => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => closed++)
    await once(socket, 'connect')
    socket.write(bytes)
    if (answered) await Promise.race([once(socket, 'data'), once(socket, 'close')])
  }
  for (let start = 0; start < count; start += 50)
    await Promise.all(Array.from({ length: Math.min(50, count - start) }, come))
  return {
    open: () => count - closed,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe(`${count} connections from one address`, () => {
  for (const [name, bytes, answered] of [
    ['with nothing on them', '', false],
    ['with half a head', head('GET /orders/1 HTTP/1.1'), false],
    ['with one byte of a body', `${head('POST /orders/ HTTP/1.1')}content-length: 9\r\n\r\n1`, false],
    [
      'with one byte of a body of a user',
      `${head('POST /orders/ HTTP/1.1')}authorization: ${bearer('alice-token').authorization}\r\ncontent-length: 9\r\n\r\n1`,
      false,
    ],
    [
      'with a WebSocket handshake that never ends',
      `${head('GET /notifications/stream HTTP/1.1')}connection: upgrade\r\nupgrade: websocket\r\n`,
      false,
    ],
    ['that are idle after a request', `${head('GET /nowhere HTTP/1.1')}\r\n`, true],
  ] as const)
    it(`${name} do not keep a new client out`, async () => {
      await using upstream = await startUpstream('orders-1')
      await using gateway = await startGateway({
        instances: { orders: [upstream.instance] },
        parts: { connections: { connectionsPerAddressMax } },
        settings: { addressRequestsPerSecond: 100_000, userRequestsPerMinute: 100_000 },
      })
      using held = await crowd(gateway.port, bytes, answered)
      const startedAt = performance.now()
      for (let times = 0; times < 3; times++) {
        const answer = await rawExchange(
          gateway.port,
          `${head('GET /orders/ HTTP/1.1')}authorization: ${bearer('alice-token').authorization}\r\nconnection: close\r\n\r\n`,
        )
        assert.match(answer, /^HTTP\/1\.1 200 /)
      }
      assert.ok(performance.now() - startedAt < 5_000, 'it had to wait')
      assert.ok(held.open() <= connectionsPerAddressMax, `${held.open()} are open`)
    })
})
