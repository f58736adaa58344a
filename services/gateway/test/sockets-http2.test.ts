/** WebSockets on streams of HTTP/2 (RFC 8441) through the gateway, by a client of its own kind: undici's. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Agent, fetch, WebSocket } from 'undici'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { openSecurely } from './certificate-fixture.ts'
import { alice, bearer, startGateway } from './gateway-fixture.ts'
import { startNotifications } from './notifications-fixture.ts'

const path = '/notifications/stream?cursor=3'
const withToken = ['svyaz.v1', 'svyaz.bearer.alice-token']

/** A gateway with TLS before a service with WebSockets, and a client with one connection of HTTP/2. */
const startSecurely = async () => {
  const notifications = await startNotifications()
  const edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const secure = await openSecurely(edge)
  const dispatcher = new Agent({ allowH2: true, connections: 1, connect: { ca: secure.authority } })
  return {
    notifications,
    edge,
    secure,
    dispatcher,
    open: (protocols: string[]) =>
      new WebSocket(`wss://127.0.0.1:${secure.port}${path}`, { protocols, dispatcher, headers: {} }),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy()
      for (const part of [secure, edge, notifications]) await part[Symbol.asyncDispose]()
    },
  }
}

const messageOf = async (socket: WebSocket): Promise<unknown> => {
  const [event] = (await once(socket, 'message')) as [{ data: unknown }]
  return event.data
}

test('messages go both ways on a stream, beside requests on the same connection; the token stays here', async () => {
  await using system = await startSecurely()
  const socket = system.open(withToken)
  socket.binaryType = 'arraybuffer'
  assert.equal(await messageOf(socket), 'hello')
  assert.equal(socket.protocol, 'svyaz.v1')
  for (const size of [0, 1, 126, 65_536, 1_000_000]) {
    const sent = randomBytes(size)
    socket.send(sent)
    assert.ok(sent.equals(Buffer.from((await messageOf(socket)) as ArrayBuffer)), `${size} bytes`)
  }
  const { dispatcher, secure } = system
  assert.equal((await fetch(`https://127.0.0.1:${secure.port}/health`, { dispatcher })).status, 200)
  const { headers, url, httpVersion } = system.notifications.handshakes[0]!
  assert.deepEqual([url, httpVersion], [path, '1.1'])
  assert.equal(headers['sec-websocket-protocol'], 'svyaz.v1')
  const caller = await system.edge.callerAt('notifications', headers.authorization)
  assert.deepEqual(caller, { kind: 'user', userId: alice.userId, roles: ['user'] })
  socket.close(1000, 'enough')
  const [closed] = (await once(socket, 'close')) as [{ code: number }]
  assert.equal(closed.code, 1000)
  await until('the service let go too', () => system.notifications.sockets.clients.size === 0)
  await until('nothing is counted', () => system.edge.core.gauged('gateway_sockets') === 0)
})

test('a blocked user is closed with 4401, and their other requests on the connection go on', async () => {
  await using system = await startSecurely()
  const socket = system.open(withToken)
  await messageOf(socket)
  system.edge.gateway.userBlocked(alice.userId)
  const [closed] = (await once(socket, 'close')) as [{ code: number; reason: string }]
  assert.deepEqual([closed.code, closed.reason], [4401, 'the user is blocked'])
  const { dispatcher, secure } = system
  assert.equal((await fetch(`https://127.0.0.1:${secure.port}/health`, { dispatcher })).status, 200)
})

test('a service that goes takes its sockets with it, and a client that goes its own', async () => {
  await using system = await startSecurely()
  const first = system.open(withToken)
  await messageOf(first)
  const closed = once(first, 'close')
  for (const socket of system.notifications.sockets.clients) socket.terminate()
  assert.equal(((await closed) as [{ code: number }])[0].code, 1006)
  const second = system.open(withToken)
  await messageOf(second)
  await system.dispatcher.destroy()
  await until('nothing is left behind', () => system.notifications.sockets.clients.size === 0)
  await until('nothing is counted', () => system.edge.core.gauged('gateway_sockets') === 0)
})

test('at shutdown a client on a stream is told 1001', async () => {
  await using system = await startSecurely()
  const socket = system.open(withToken)
  await messageOf(socket)
  const closed = once(socket, 'close')
  await system.edge.running[Symbol.asyncDispose]()
  assert.equal(((await closed) as [{ code: number }])[0].code, 1001)
})

test('a handshake is refused on its stream as elsewhere; other protocols and tunnels are not taken', async () => {
  await using system = await startSecurely()
  const session = connect(`https://127.0.0.1:${system.secure.port}`, { ca: system.secure.authority })
  const [settings] = (await once(session, 'remoteSettings')) as [{ enableConnectProtocol?: boolean }]
  assert.equal(settings.enableConnectProtocol, true)
  const ask = async (headers: Record<string, string>) => {
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':authority': `127.0.0.1:${system.secure.port}`,
      ':path': path,
      'sec-websocket-version': '13',
      ...headers,
    })
    const [answered] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    return { answered, body: await text(stream) }
  }
  const token = bearer('alice-token')
  for (const [headers, status] of [
    [{}, 401],
    [bearer('stranger'), 401],
    [{ ...token, ':path': '/orders' }, 404],
    [{ ...token, ':path': '/%00' }, 400],
    [{ ...token, ':protocol': 'connect-udp' }, 405],
    [{ ...token, origin: 'https://evil.example' }, 403],
    [{ ...token, host: 'other.example' }, 400],
    [{ ...token, 'sec-websocket-version': '7' }, 400],
  ] as [Record<string, string>, number][]) {
    const { answered, body } = await ask(headers)
    assert.equal(answered[':status'], status, JSON.stringify(headers))
    assert.equal(answered['content-type'], 'application/problem+json')
    assert.equal((JSON.parse(body) as { status: number }).status, status)
  }
  assert.equal(system.notifications.handshakes.length, 0)
  session.destroy()
})
