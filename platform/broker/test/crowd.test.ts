/** Connections that do no work, against a broker in this process: they keep no client out and hold no memory. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Broker, type Limits, startBroker } from '../src/index.ts'

const start = async (limits: Partial<Limits>) => {
  const directory = await mkdtemp(join(tmpdir(), 'svyaz-broker-crowd-'))
  const broker = await startBroker({ port: 0, directory: join(directory, 'data'), limits })
  return {
    broker,
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
}
const open = async ({ port }: Broker): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
/** ApiVersions 0: key, version, correlation id, no client id. */
const apiVersions = Buffer.concat([int32(10), Buffer.from([0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])])
const ask = async (socket: Socket): Promise<void> => {
  socket.write(apiVersions)
  const [answer] = await once(socket, 'data')
  assert.equal((answer as Buffer).readInt32BE(4), 7)
}
const closed = async (socket: Socket): Promise<void> => {
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

describe('connections that do no work', { timeout: 30_000 }, () => {
  for (const [what, bytes] of [
    ['say nothing', Buffer.alloc(0)],
    ['have begun a frame', apiVersions.subarray(0, 9)],
    ['are idle after a request', apiVersions],
  ] as const)
    it(`and ${what} make room for a client`, async () => {
      await using system = await start({ connectionsPerAddressMax: 20 })
      const sockets: Socket[] = []
      for (let count = 0; count < 30; count++) {
        const socket = await open(system.broker)
        sockets.push(socket)
        if (bytes === apiVersions) await ask(socket)
        else socket.write(bytes)
      }
      for (let times = 0; times < 3; times++) {
        const client = await open(system.broker)
        await ask(client)
        sockets.push(client)
      }
      await closed(sockets[0]!)
      assert.equal(system.broker.traffic.closedFor.get('made room'), 13)
      assert.ok(system.broker.traffic.connections <= 20)
      for (const socket of sockets) socket.destroy()
    })

  it('are closed when they send no first request, or never end their frame', async () => {
    await using system = await start({ firstRequestMsMax: 100, frameMsMax: 100, checkEveryMs: 20 })
    const silent = await open(system.broker)
    await closed(silent)
    assert.equal(system.broker.traffic.closedFor.get('no request'), 1)
    const slow = await open(system.broker)
    await ask(slow)
    slow.write(apiVersions.subarray(0, 5))
    await closed(slow)
    assert.equal(system.broker.traffic.closedFor.get('slow frame'), 1)
  })

  it('can announce no large frame before a first request', async () => {
    await using system = await start({ firstRequestBytesMax: 1_000 })
    const first = await open(system.broker)
    first.write(int32(1_001))
    await closed(first)
    assert.equal(system.broker.traffic.closedFor.get('frame size'), 1)
    const second = await open(system.broker)
    await ask(second)
    second.write(Buffer.concat([int32(1_001), Buffer.alloc(500)]))
    await ask(await open(system.broker))
    assert.ok(!second.destroyed)
    second.destroy()
  })

  it('hold no memory that others wait for: the frame that makes them wait too long is given up', async () => {
    const frame = 1024 * 1024
    await using system = await start({
      requestBytesMax: frame,
      firstRequestBytesMax: frame,
      arrivingBytesMax: frame,
      contendedFrameMsMax: 200,
      checkEveryMs: 20,
    })
    const holder = await open(system.broker)
    await ask(holder)
    holder.write(Buffer.concat([int32(frame), Buffer.alloc(100_000)]))
    const other = await open(system.broker)
    await ask(other)
    const ended = closed(holder)
    // A request whose rest is not a request: that it is refused shows that it was read to its end.
    other.write(Buffer.concat([int32(frame), Buffer.alloc(frame, 0xff)]))
    await closed(other)
    await ended
    assert.equal(system.broker.traffic.closedFor.get('slow frame'), 1)
    assert.equal(system.broker.traffic.closedFor.get('malformed request'), 1)
  })
})
