/** Answers of HTTP/1.1 that nobody reads, on sockets that don't; larger than what the kernel takes for them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createHttpListener, defaultHttpLimits } from '../src/http.ts'
import { certificate, openDoor } from './http2-fixture.ts'

const MiB = 1024 * 1024
const large = Buffer.alloc(32 * MiB)
const options = { timeout: 30_000 }
const get = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
const unread = 'the client does not read its answer'
const limit = defaultHttpLimits.unreadMsMax

/** A clock that goes half a second a look, as far as it is let. */
class Looks {
  #ms = 0
  #untilMs = 0
  #reached = Promise.withResolvers<void>()

  readonly now = (): number => {
    if (this.#ms < this.#untilMs) this.#ms += 500
    else this.#reached.resolve()
    return this.#ms
  }

  /** Resolves when it has been looked all this time; never, where the last connection ends before. */
  pass(ms: number): Promise<void> {
    this.#untilMs = this.#ms + ms
    this.#reached = Promise.withResolvers<void>()
    return this.#reached.promise
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A listener, and what it refused. */
const listening = async (answer: Answer, prepare: (server: Server) => void = () => undefined) => {
  const looks = new Looks()
  const faults: string[] = []
  const server = createHttpListener({
    limits: { checkEveryMs: 2 },
    now: looks.now,
    refused: ({ detail }) => faults.push(detail),
    answer,
  })
  prepare(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    looks,
    faults,
    /** Sends this, and reads nothing before it is told to. */
    async send(bytes: string): Promise<Socket> {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(bytes)
      return socket
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test(
  'an answer that nobody reads ends with its connection when its time is over, and not before',
  options,
  async () => {
    const closed = Promise.withResolvers<boolean>()
    const begun = Promise.withResolvers<void>()
    await using system = await listening((_request, response) => {
      response.once('close', () => closed.resolve(response.writableFinished))
      response.end(large)
      begun.resolve()
    })
    const client = await system.send(get)
    await begun.promise
    await system.looks.pass(limit - 1_000)
    assert.deepEqual(system.faults, [])
    void system.looks.pass(2_000)
    assert.equal(await closed.promise, false, 'nobody takes it for a sent one')
    assert.deepEqual(system.faults, [unread])
    client.destroy()
  },
)

test('answers to pipelined requests that nobody reads end with their connection', options, async () => {
  let open = 0
  const over = Promise.withResolvers<void>()
  await using system = await listening((_request, response) => {
    open++
    response.once('close', () => --open === 0 && over.resolve())
    response.end(large.subarray(0, MiB))
  })
  const client = await system.send(get.repeat(100))
  void system.looks.pass(limit + 5_000)
  await over.promise
  assert.deepEqual(system.faults, [unread])
  client.destroy()
})

test('what is sent on an upgraded connection and not read ends it', options, async () => {
  const closed = Promise.withResolvers<void>()
  await using system = await listening(
    () => undefined,
    (server) =>
      server.on('upgrade', (_request, socket) => {
        socket.once('close', () => closed.resolve())
        socket.write(large)
      }),
  )
  const client = await system.send(
    'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  )
  void system.looks.pass(limit + 5_000)
  await closed.promise
  assert.deepEqual(system.faults, [unread])
  client.destroy()
})

test('so it is in TLS', options, async () => {
  const looks = new Looks()
  const closed = Promise.withResolvers<void>()
  const answer: Answer = (_request, response) => {
    response.once('close', () => closed.resolve())
    response.end(large)
  }
  await using door = await openDoor({ limits: { checkEveryMs: 2 }, now: looks.now, answer })
  const client = connectTls({ port: door.port, host: '127.0.0.1', ca: certificate, ALPNProtocols: ['http/1.1'] })
  client.on('error', () => undefined)
  await once(client, 'secureConnect')
  client.pause().write(get)
  void looks.pass(limit + 5_000)
  await closed.promise
  assert.deepEqual([door.faults, door.table.size], [[unread], 0])
  client.destroy()
})

test('who reads slowly gets all of it, however long that takes', options, async () => {
  await using system = await listening((_request, response) => void response.end(large))
  const client = await system.send(get)
  let received = 0
  let wanted = 0
  let enough = Promise.withResolvers<void>()
  client.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received < wanted) return
    client.pause()
    enough.resolve()
  })
  client.on('close', () => enough.resolve())
  for (; wanted <= large.length - 2 * MiB && system.faults.length === 0; ) {
    wanted += 2 * MiB
    enough = Promise.withResolvers<void>()
    client.resume()
    await enough.promise
    await system.looks.pass(8_000)
  }
  assert.deepEqual([system.faults, received >= large.length], [[], true])
  client.destroy()
})

test('a stream with nothing to send, and an answer that is still to come, are not unread', options, async () => {
  const begun: ServerResponse[] = []
  await using system = await listening((_request, response) => void begun.push(response))
  const stream = await system.send(get)
  const late = await system.send(get)
  while (begun.length < 2) await system.looks.pass(500)
  begun[0]!.write('event')
  await system.looks.pass(3 * limit)
  assert.deepEqual(system.faults, [])
  for (const response of begun) response.end('last')
  for (const socket of [stream, late]) {
    assert.match(String((await once(socket.resume(), 'data'))[0]), /^HTTP\/1\.1 200/)
    socket.destroy()
  }
})
