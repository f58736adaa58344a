/** WebSockets on the HTTP port, with the `ws` client and raw sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { limits } from '@svyaz/contracts/primitives.ts'
import { WebSocket } from 'ws'
import type { Caller, Socket } from '../src/api.ts'
import { type RunningHttpServer, startHttpServer } from '../src/http/server.ts'
import { socketLimits } from '../src/http/sockets.ts'
import { createSigner, createVerifier } from '../src/identity/identity.ts'
import { resetAfter, type TestCore, testCore, until } from './core-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

describe('WebSockets', () => {
  let keys: Keys
  let core: TestCore
  let server: RunningHttpServer
  let user: string
  let service: string
  const opened: { socket: Socket; caller: Caller; cursor: string | null }[] = []
  const received: unknown[] = []
  const thinking: (() => void)[] = []
  const left: Socket[] = []

  const start = async () =>
    startHttpServer(core, {
      verifier: await createVerifier(core),
      host: '127.0.0.1',
      port: 0,
      handlers: [],
      allowedOrigins: ['http://console.test'],
      sockets: [
        {
          path: '/stream',
          open(socket, { caller, query }) {
            if (query.get('broken') !== null) throw new Error('secret')
            opened.push({ socket, caller, cursor: query.get('cursor') })
            socket.onMessage((message) => received.push(message))
          },
        },
        {
          path: '/thoughtful',
          async open(socket) {
            const { promise, resolve } = Promise.withResolvers<void>()
            thinking.push(resolve)
            await promise
            socket.onClose(() => left.push(socket))
          },
        },
      ],
    })
  before(async () => {
    keys = await createKeys('notifications', 'gateway')
    const coreOf = (name: string) => testCore({ service: name, keyFile: keys.keyFile(name), jwksFile: keys.jwksFile })
    core = coreOf('notifications')
    const signer = await createSigner(coreOf('gateway'))
    user = await signer.userToken('notifications', { userId: 'u1', roles: ['user'] })
    service = await signer.serviceToken('notifications')
    server = await start()
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await keys?.[Symbol.asyncDispose]()
  })

  const open = (
    path = '/stream',
    options: { token?: string | undefined; origin?: string; protocols?: string[]; port?: number } = {},
  ) => {
    const token = 'token' in options ? options.token : user
    return new WebSocket(`ws://127.0.0.1:${options.port ?? server.port}${path}`, options.protocols ?? [], {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(options.origin === undefined ? {} : { origin: options.origin }),
    })
  }
  const connected = async (...parameters: Parameters<typeof open>) => {
    const client = open(...parameters)
    await once(client, 'open')
    const { socket, ...rest } = opened.at(-1)!
    return { client, socket, ...rest }
  }

  const refusals: [string, Parameters<typeof open>, number][] = [
    ['no token', ['/stream', { token: undefined }], 401],
    ['a token that is none', ['/stream', { token: 'x' }], 401],
    ['another path', ['/other'], 404],
    ['a page of another origin', ['/stream', { origin: 'http://evil.test' }], 403],
  ]
  for (const [what, parameters, status] of refusals)
    it(`refuses ${what} with ${status} and a problem`, async () => {
      const client = open(...parameters)
      const [, response] = await once(client, 'unexpected-response')
      assert.equal(response.statusCode, status)
      assert.equal(response.headers['content-type'], 'application/problem+json')
      response.resume()
    })

  it('refuses services', async () => {
    const client = open('/stream', { token: service })
    const [, response] = await once(client, 'unexpected-response')
    assert.equal(response.statusCode, 403)
    response.resume()
  })

  it('limits the sockets of a user, over all gateways; a closed one makes room', async () => {
    const own = await createSigner(
      testCore({ service: 'gateway', keyFile: keys.keyFile('gateway'), jwksFile: keys.jwksFile }),
    )
    const token = await own.userToken('notifications', { userId: 'collector', roles: ['user'] })
    const clients = Array.from({ length: socketLimits.socketsPerUserMax }, () => open('/stream', { token }))
    await Promise.all(clients.map((client) => once(client, 'open')))
    const refused = open('/stream', { token })
    const [, response] = await once(refused, 'unexpected-response')
    assert.equal(response.statusCode, 429)
    assert.equal(response.headers['retry-after'], '1')
    response.resume()
    const [first, ...others] = clients
    first!.close()
    await until('there is room', async () => {
      const again = open('/stream', { token })
      again.on('error', () => undefined)
      const outcome = await Promise.race([
        once(again, 'open').then(() => 'open'),
        once(again, 'unexpected-response').then(() => 'refused'),
      ])
      again.terminate()
      return outcome === 'open'
    })
    for (const client of others) client.terminate()
  })

  it('speaks both ways, knows its user, and takes the protocol but never the token', async () => {
    const protocols = ['svyaz.v1', 'svyaz.bearer.abc']
    const { client, socket, caller, cursor } = await connected('/stream?cursor=5', {
      origin: 'http://console.test',
      protocols,
    })
    assert.deepEqual(caller, { kind: 'user', userId: 'u1', roles: ['user'] })
    assert.equal(cursor, '5')
    assert.equal(client.protocol, 'svyaz.v1')
    const message = once(client, 'message')
    assert.equal(socket.send({ type: 'hello' }), true)
    assert.deepEqual(JSON.parse(String((await message)[0])), { type: 'hello' })
    client.send('{"type":"ping"}')
    await until('it arrived', () => received.length === 1)
    assert.deepEqual(received, [{ type: 'ping' }])
    client.close()
    await once(client, 'close')
  })

  it('sends as a span of the trace that caused the message', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { client, socket } = await connected()
    assert.equal(socket.send({ n: 1 }, { traceparent }), true)
    const span = core.spans.find(({ name }) => name === 'websocket send')
    assert.equal(span?.parent, traceparent)
    assert.equal(span?.options.kind, 'producer')
    client.close()
    await once(client, 'close')
    await until('sending says that it is over', () => socket.send({ n: 2 }) === false)
  })

  const faults: [string, (client: WebSocket) => void, number][] = [
    ['what is not JSON', (client) => client.send('{'), 1007],
    ['what nests too deep', (client) => client.send('['.repeat(65) + ']'.repeat(65)), 1007],
    ['bytes', (client) => client.send(Buffer.from('{}')), 1003],
    ['a frame over the limit', (client) => client.send(`"${'x'.repeat(limits.frameBytesMax)}"`), 1009],
  ]
  for (const [what, send, code] of faults)
    it(`closes with ${code} on ${what}`, async () => {
      const { client } = await connected()
      client.on('error', () => undefined)
      send(client)
      const [closedWith] = await once(client, 'close')
      assert.equal(closedWith, code)
    })

  it('closes with 1011 when the handler breaks, and reveals nothing', async () => {
    const client = open('/stream?broken')
    const [code, reason] = await once(client, 'close')
    assert.equal(code, 1011)
    assert.equal(String(reason), 'internal')
  })

  it('gives up a reader that is too slow', async () => {
    const raw = connect(server.port, '127.0.0.1')
    const before = opened.length
    raw.write(
      `GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer ${user}\r\n\r\n`,
    )
    await until('it is open', () => opened.length > before)
    raw.pause()
    const { socket } = opened.at(-1)!
    const megabyte = 'x'.repeat(256 * 1024)
    let sent = 0
    while (socket.send(megabyte)) {
      sent++
      assert.ok(sent < 1_000, 'it never gave up')
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(sent * megabyte.length > socketLimits.bufferedBytesMax)
    assert.equal(core.counted('websocket_slow_closed_total'), 1)
    raw.destroy()
  })

  it('closes everyone with 1001 at shutdown, and takes nobody new', async () => {
    const own = await start()
    const { client } = await connected('/stream', { port: own.port })
    const closed = once(client, 'close')
    await own.closeSockets()
    assert.equal((await closed)[0], 1001)
    const late = open('/stream', { port: own.port })
    const [, response] = await once(late, 'unexpected-response')
    assert.equal(response.statusCode, 503)
    response.resume()
    await own[Symbol.asyncDispose]()
  })

  it('tells a handler that was still getting ready that its peer has left', async () => {
    const own = await start()
    for (let n = 0; n < 40; n++) {
      const client = open('/thoughtful', { port: own.port })
      client.on('error', () => undefined)
      await until('the handler thinks', () => thinking.length === n + 1)
      client.terminate()
    }
    await own.closeSockets()
    for (const ready of thinking) ready()
    await until('each heard of it', () => left.length === 40)
    await own[Symbol.asyncDispose]()
  })

  it('survives a reset behind an upgrade to a target that no URL can be made of', async () => {
    const head = 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'
    await resetAfter(server.port, head, { answered: true })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(head)
    let text = ''
    for await (const chunk of socket) text += chunk
    assert.match(text, /^HTTP\/1\.1 404 /)
  })
})
