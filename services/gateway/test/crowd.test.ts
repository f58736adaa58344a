/** Connections that do no work, on a real gateway: they must not keep anybody out. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { gatewayLimits } from '../src/config.ts'
import { openSecurely } from './certificate-fixture.ts'
import { bearer, rawExchange, startGateway, startUpstream } from './gateway-fixture.ts'

const connectionsPerAddressMax = 200
const count = connectionsPerAddressMax + 60
const head = (text: string) => `${text}\r\nhost: localhost\r\n`

const idleConnections = 10_000
const filesNeeded = 2 * idleConnections

/** Opens connections that say nothing. They are in a thread of their own: the gateway under test has this one for itself. */
const idlers = async (port: number) => {
  const thread = new Worker(new URL('idlers-thread.ts', import.meta.url), { workerData: { port, idleConnections } })
  await once(thread, 'message')
  return {
    open: async (): Promise<number> => {
      const said = once(thread, 'message')
      thread.postMessage('how many')
      return (await said)[0]
    },
    [Symbol.asyncDispose]: async () => void (await thread.terminate()),
  }
}

const canHold = (): string | undefined => {
  if (process.platform !== 'linux') return 'only Linux has all of 127.0.0.0/8'
  const files = Number(/Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  return files < filesNeeded ? `this process may open ${files} files, ${filesNeeded} are needed` : undefined
}

for (const door of ['HTTP/1.1', 'TLS'] as const)
  it(`${idleConnections} idle connections at the port with ${door}: the oldest go, and a new client is served`, async (context) => {
    const reason = canHold()
    if (reason !== undefined) return context.skip(reason)
    await using upstream = await startUpstream('orders-1')
    await using gateway = await startGateway({ instances: { orders: [upstream.instance] } })
    await using secure = await openSecurely(gateway)
    await using held = await idlers(door === 'TLS' ? secure.port : gateway.port)
    const answer = await fetch(`${gateway.base}/orders/`, { headers: bearer('alice-token') })
    assert.equal(answer.status, 200)
    assert.equal(await secure.frames({ ':path': '/orders/', ...bearer('alice-token') }, ''), 200)
    await until('the bound holds', async () => (await held.open()) <= gatewayLimits.connectionsMax)
  })

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
