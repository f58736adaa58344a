/** The WebSocket through the gateway, from end to end, with a real server behind. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import WebSocket from 'ws'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { gatewayLimits } from '../src/config.ts'
import { alice, bearer, rawExchange, startGateway } from './gateway-fixture.ts'
import { startNotifications } from './notifications-fixture.ts'

const path = '/notifications/stream?cursor=3'
const connect = (port: number, protocols: string[] = [], headers: Record<string, string> = {}) =>
  new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers, perMessageDeflate: false })
const withToken = ['svyaz.v1', 'svyaz.bearer.alice-token']

const refusal = async (socket: WebSocket): Promise<number> => {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  assert.equal(response.headers['content-type'], 'application/problem+json')
  response.resume()
  socket.on('error', () => undefined)
  socket.terminate()
  return response.statusCode ?? 0
}

test('messages of every size go both ways; the token stays here, an internal one goes on', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const socket = connect(edge.port, withToken)
  assert.equal(String((await once(socket, 'message'))[0]), 'hello')
  assert.equal(socket.protocol, 'svyaz.v1')
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
    const sent = randomBytes(size)
    socket.send(sent)
    const [received] = await once(socket, 'message')
    assert.ok(sent.equals(received as Buffer), `${size} bytes`)
  }
  const { headers, url } = notifications.handshakes[0]!
  assert.equal(url, path)
  assert.equal(headers['sec-websocket-protocol'], 'svyaz.v1')
  assert.deepEqual(await edge.callerAt('notifications', headers.authorization), {
    kind: 'user',
    userId: alice.userId,
    roles: ['user'],
  })
  assert.equal(edge.running.inFlight(), 0)
  socket.close(1000, 'enough')
  const [code] = await once(socket, 'close')
  assert.equal(code, 1000)
  await until('the server let go too', () => notifications.sockets.clients.size === 0)
})

test('an Authorization header does as well', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const socket = connect(edge.port, [], { authorization: 'Bearer alice-token' })
  await once(socket, 'message')
  assert.equal(socket.protocol, '')
  socket.terminate()
})

test('no token, a bad token, a foreign page, another path and an absent service are refused as problems', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  assert.equal(await refusal(connect(edge.port)), 401)
  assert.equal(await refusal(connect(edge.port, ['svyaz.v1', 'svyaz.bearer.stranger'])), 401)
  assert.equal(await refusal(connect(edge.port, withToken, { origin: 'https://evil.example' })), 403)
  assert.equal(notifications.handshakes.length, 0)
  for (const origin of [`http://127.0.0.1:${edge.port}`, 'http://127.0.0.1:8090']) {
    const socket = connect(edge.port, withToken, { origin })
    await once(socket, 'message')
    socket.terminate()
  }
  assert.equal(notifications.handshakes[0]?.headers.origin, undefined)
  await using empty = await startGateway()
  assert.equal(await refusal(connect(empty.port, withToken)), 503)
  const plain = await rawExchange(
    edge.port,
    'GET /notifications/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer alice-token\r\n\r\n',
  )
  assert.match(plain, /^HTTP\/1\.1 400 /)
})

test('a blocked user is closed with 4401, others stay', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const blocked = connect(edge.port, withToken)
  const other = connect(edge.port, ['svyaz.v1', 'svyaz.bearer.admin-token'])
  await Promise.all([once(blocked, 'message'), once(other, 'message')])
  edge.gateway.userBlocked(alice.userId)
  const [code, reason] = await once(blocked, 'close')
  assert.deepEqual([code, String(reason)], [4401, 'the user is blocked'])
  await until('one is left behind', () => notifications.sockets.clients.size === 1)
  other.send('still here')
  assert.equal(String((await once(other, 'message'))[0]), 'still here')
  other.terminate()
})

test('who signs out is closed with 4401; a socket of another session of theirs stays', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  edge.users.set('laptop', { ...alice, sessionId: 'laptop' })
  edge.users.set('phone', { ...alice, sessionId: 'phone' })
  const laptop = connect(edge.port, ['svyaz.v1', 'svyaz.bearer.laptop'])
  const phone = connect(edge.port, ['svyaz.v1', 'svyaz.bearer.phone'])
  await Promise.all([once(laptop, 'message'), once(phone, 'message')])
  edge.gateway.userSignedOut(alice.userId, 'laptop')
  const [code, reason] = await once(laptop, 'close')
  assert.deepEqual([code, String(reason)], [4401, 'the session has ended'])
  await until('one is left behind', () => notifications.sockets.clients.size === 1)
  phone.send('still here')
  assert.equal(String((await once(phone, 'message'))[0]), 'still here')
  phone.terminate()
})

test('a socket ends with its token', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  edge.users.set('short', { ...alice, tokenEndsAt: performance.now() + 1_000 })
  const socket = connect(edge.port, ['svyaz.v1', 'svyaz.bearer.short'])
  await once(socket, 'message')
  const [code] = await once(socket, 'close')
  assert.equal(code, 4401)
})

test('at shutdown every client is told 1001, also one in the middle of a message', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const quiet = connect(edge.port, withToken)
  const busy = connect(edge.port, withToken)
  await Promise.all([once(quiet, 'message'), once(busy, 'message')])
  const inner = notifications.sockets.clients
  for (const socket of inner) for (let i = 0; i < 20; i++) socket.send(randomBytes(300_000))
  const closed = Promise.all([once(quiet, 'close'), once(busy, 'close')])
  let intact = 0
  busy.on('message', (data: Buffer) => {
    assert.equal(data.length, 300_000)
    intact++
  })
  await once(busy, 'message')
  await edge.running.drain(100)
  await edge.running[Symbol.asyncDispose]()
  for (const [code] of await closed) assert.equal(code, 1001)
  assert.ok(intact >= 1)
})

test('a service that goes takes its sockets with it, and a client that goes its own', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const first = connect(edge.port, withToken)
  await once(first, 'message')
  for (const socket of notifications.sockets.clients) socket.close(1001, 'restarting')
  assert.equal((await once(first, 'close'))[0], 1001)
  const second = connect(edge.port, withToken)
  await once(second, 'message')
  for (const socket of notifications.sockets.clients) socket.terminate()
  assert.equal((await once(second, 'close'))[0], 1006)
  const third = connect(edge.port, withToken)
  await once(third, 'message')
  third.terminate()
  await until('nothing is left behind', () => notifications.sockets.clients.size === 0)
  await until('nothing is counted', () => edge.core.gauged('gateway_sockets') === 0)
})

test('a user has at most twenty sockets', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({ instances: { notifications: [notifications.instance] } })
  const sockets = Array.from({ length: 20 }, () => connect(edge.port, withToken))
  await Promise.all(sockets.map((socket) => once(socket, 'message')))
  assert.equal(await refusal(connect(edge.port, withToken)), 429)
  for (const socket of sockets) socket.terminate()
})

test('an address has a limited number of streams, whoever its users are, and another still has some', async () => {
  await using notifications = await startNotifications()
  await using edge = await startGateway({
    instances: { notifications: [notifications.instance] },
    settings: { trustedProxies: ['127.0.0.1'], userRequestsPerMinute: 100_000 },
  })
  const max = gatewayLimits.sockets.perAddressMax
  const from = (user: number, address: string) => {
    edge.users.set(`token-${user}`, { ...alice, userId: alice.userId.slice(0, -4) + String(user).padStart(4, '0') })
    return connect(edge.port, ['svyaz.v1'], { ...bearer(`token-${user}`), 'x-forwarded-for': address })
  }
  const sockets: WebSocket[] = []
  for (let start = 0; start < max; start += 50) {
    const next = Array.from({ length: 50 }, (_, index) => from(start + index, `2001:db8:1:2::${index + 1}`))
    await Promise.all(next.map((socket) => once(socket, 'message')))
    sockets.push(...next)
  }
  const refused = from(max, '2001:db8:1:2:3::1')
  const answered = once(refused, 'unexpected-response')
  assert.equal(await refusal(refused), 429)
  const [, answer] = (await answered) as [unknown, IncomingMessage]
  assert.equal(answer.headers['retry-after'], '1')
  const other = from(max, '2001:db8:1:3::1')
  await once(other, 'message')
  for (const socket of [...sockets, other]) socket.terminate()
})
