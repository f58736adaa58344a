import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { Tunnel } from './tunnel.ts'

/** Two ends of a connection. */
const pair = async (): Promise<[near: Socket, far: Socket]> => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  server.close()
  for (const end of [near, far]) end.on('error', () => undefined)
  return [near, far]
}
const nothing = Buffer.alloc(0)
/** A binary frame of 64 KB, as a service sends it. */
const frame = Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Buffer.alloc(65_536)])

test('a client that reads nothing is cut, whether its service is still there or has gone unnoticed', async () => {
  for (const goes of [false, true]) {
    const [client, reader] = await pair()
    const [service, upstream] = await pair()
    reader.pause()
    new Tunnel(client, { closeWaitMs: 10, unreadMsMax: 200 }).join(upstream, nothing, nothing)
    const cut = once(client, 'close')
    while (!upstream.isPaused()) {
      service.write(frame)
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (goes) service.destroy()
    await cut
    for (const end of [reader, service]) end.destroy()
  }
})

test('one that reads again in time stays', async () => {
  const [client, reader] = await pair()
  const [service, upstream] = await pair()
  new Tunnel(client, { closeWaitMs: 10, unreadMsMax: 60_000 }).join(upstream, nothing, nothing)
  reader.pause()
  let sent = 0
  while (!upstream.isPaused()) {
    service.write(frame)
    sent += frame.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  let received = 0
  for await (const chunk of reader as AsyncIterable<Buffer>) {
    received += chunk.length
    if (received === sent) break
  }
  assert.equal(received, sent)
  service.destroy()
  await once(client, 'close')
})
