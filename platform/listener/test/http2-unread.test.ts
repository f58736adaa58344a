/** Clients that ask and don't read: what they leave lying ends, and nothing else does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type ClientHttp2Stream, constants } from 'node:http2'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { pieceBytes } from '../src/http2-answer.ts'
import { wasSentWhole } from '../src/http2-form.ts'
import { ask, type Door, frame, get, int32, openDoor, speak, start, until } from './http2-fixture.ts'

const limits = { unreadMsMax: 100, checkEveryMs: 10 }
const plain = { ':path': '/' }
const connect = { ':method': 'CONNECT', ':authority': 'a:1' }
const webSocket = { ...connect, ':scheme': 'https', ':path': '/', ':protocol': 'websocket' }

/** A session of a client that lets no byte of any answer's body come. */
const shutSession = (door: Door) => door.session({ initialWindowSize: 0 })

const patienceMs = 20_000

/** Waits for a condition, not for a time. */
const settled = async (what: string, condition: () => boolean): Promise<void> => {
  for (const startedAt = performance.now(); !condition(); await wait(5))
    assert.ok(performance.now() - startedAt < patienceMs, `waited ${patienceMs / 1_000} s: ${what}`)
}

/** With which code a stream ended. */
const endOf = async (stream: ClientHttp2Stream): Promise<number> => {
  stream.on('error', () => undefined)
  stream.resume()
  await once(stream, 'close')
  return stream.rstCode
}

for (const [name, bytes] of [
  ['short', 1],
  ['long', 16 * pieceBytes],
] as const)
  test(`a ${name} answer for which the client’s window stays shut is dropped, and its connection goes on`, async () => {
    const whole: boolean[] = []
    const answer = (_request: unknown, response: ServerResponse) => {
      response.once('close', () => whole.push(wasSentWhole(response)))
      response.end(Buffer.alloc(bytes))
    }
    await using door = await openDoor({ limits, answer })
    const session = shutSession(door)
    assert.equal(await endOf(session.request(plain)), constants.NGHTTP2_CANCEL)
    assert.deepEqual([door.faults, whole], [['the client does not read its answer'], [false]])
    const next = session.request(plain)
    const [answered] = (await once(next, 'response')) as [Record<string, unknown>]
    assert.equal(answered[':status'], 200)
    session.destroy()
  })

test('an answer whose client takes the first window and never opens it again is dropped', async () => {
  const answer = (_request: unknown, response: ServerResponse) => void response.end(Buffer.alloc(1024 * 1024))
  await using door = await openDoor({ limits, answer })
  const { socket } = await speak(door.port, Buffer.concat([start, frame(1, 5, 1, get())]))
  await until(socket, frame(3, 0, 1, int32(constants.NGHTTP2_CANCEL)))
  socket.destroy()
})

test('a refusal that nobody reads is said once, and dropped', async () => {
  await using door = await openDoor({
    limits: { ...limits, requestMs: 50 },
    // As whoever takes WebSockets refuses one.
    socket(_request, stream) {
      stream.respond({ ':status': 401 })
      stream.end('no')
      stream.once('finish', () => stream.close())
    },
  })
  const session = shutSession(door)
  await once(session, 'remoteSettings')
  const unread = 'the client does not read its answer'
  const slow = session.request({ ...plain, ':method': 'POST' }, { endStream: false })
  assert.equal(await endOf(slow), constants.NGHTTP2_CANCEL)
  assert.deepEqual(door.faults.splice(0), ['the request did not arrive in time', unread])
  assert.equal(await endOf(session.request(connect)), constants.NGHTTP2_CANCEL)
  assert.deepEqual(door.faults.splice(0), ["this isn't a proxy: CONNECT is not served", unread])
  assert.equal(await endOf(session.request(webSocket)), constants.NGHTTP2_CANCEL)
  assert.deepEqual(door.faults.splice(0), [unread])
  session.destroy()
})

test('a stream of events goes on being unread though more is written behind it; so does a WebSocket', async () => {
  const timers: NodeJS.Timeout[] = []
  await using door = await openDoor({
    limits,
    answer(_request, response) {
      response.write('event')
      timers.push(setInterval(() => response.write(':'), 10))
    },
    socket(_request, stream) {
      stream.respond({ ':status': 200 })
      stream.write('frame')
      timers.push(setInterval(() => stream.writable && stream.write('.'), 10))
    },
  })
  const session = shutSession(door)
  await once(session, 'remoteSettings')
  try {
    const ends = await Promise.all([endOf(session.request(plain)), endOf(session.request(webSocket))])
    assert.deepEqual(ends, [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL])
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
  session.destroy()
})

test('who waits for an answer, for the next event, or for a frame is not one who doesn’t read', async () => {
  const begun: ServerResponse[] = []
  await using door = await openDoor({
    limits,
    answer(request, response) {
      if (request.url === '/shut') return void response.end('unread')
      if (request.url === '/events') response.write('event')
      begun.push(response)
    },
    socket(_request, stream) {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    },
  })
  const session = door.session()
  await once(session, 'remoteSettings')
  const socket = session.request(webSocket)
  const answer = ask(session, plain)
  const events = ask(session, { ':path': '/events' })
  await settled('both asked', () => begun.length === 2)
  const shut = shutSession(door)
  // By the time that this one is dropped, the others would have been.
  assert.equal(await endOf(shut.request({ ':path': '/shut' })), constants.NGHTTP2_CANCEL)
  for (const response of begun) response.end('last')
  assert.equal((await answer).body, 'last')
  assert.equal((await events).body, 'eventlast')
  socket.write('frame')
  assert.equal(String((await once(socket, 'data'))[0]), 'frame')
  assert.equal(door.faults.length, 1)
  for (const each of [session, shut]) each.destroy()
})

test('who reads slowly, a piece of the answer at a time, gets all of it, however long that takes', async () => {
  const pieces = 16
  const answer = (_request: unknown, response: ServerResponse) => void response.end(Buffer.alloc(pieces * pieceBytes))
  await using door = await openDoor({ limits: { unreadMsMax: 2_000, checkEveryMs: 10 }, answer })
  // SETTINGS_INITIAL_WINDOW_SIZE of 0; the connection's own window is wide enough for all.
  const shut = frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))
  const opened = frame(8, 0, 0, int32(2 * pieces * pieceBytes))
  const { socket } = await speak(door.port, Buffer.concat([start, shut, opened, frame(1, 5, 1, get())]))
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  for (let piece = 0; piece < pieces; piece++) {
    await wait(150)
    socket.write(frame(8, 0, 1, int32(pieceBytes)))
  }
  await settled('all of it, or a fault', () => received >= pieces * pieceBytes || door.faults.length > 0)
  assert.deepEqual(door.faults, [])
  socket.destroy()
})

test('a connection whose client reads nothing at all ends', async () => {
  const answer = (_request: unknown, response: ServerResponse) => void response.end(Buffer.alloc(32 * 1024 * 1024))
  await using door = await openDoor({ limits: { ...limits, keepAliveMs: 100 }, answer })
  // Its windows in HTTP/2 are as wide as they can be: the bytes stay in TCP.
  const wide = frame(4, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]))
  const opened = frame(8, 0, 0, int32(0x7fff_0000))
  const { socket } = await speak(door.port, Buffer.concat([start, wide, opened]))
  socket.pause()
  socket.write(frame(1, 5, 1, get()))
  await settled('its connection ended', () => door.faults.length > 0 && door.table.size === 0)
  assert.deepEqual([door.http2.size, door.faults], [0, ['the client does not read its answer']])
  socket.destroy()
})

test('HEAD waits for its answer as GET does, and is answered', { timeout: patienceMs }, async () => {
  const begun: ServerResponse[] = []
  await using door = await openDoor({ limits, answer: (_request, response) => void begun.push(response) })
  const session = door.session()
  const head = session.request({ ...plain, ':method': 'HEAD' })
  await settled('it is asked', () => begun.length === 1)
  const shut = shutSession(door)
  const dropped = endOf(shut.request(plain))
  await settled('another is asked', () => begun.length === 2)
  begun[1]!.end('unread')
  // By the time that this one is dropped, the first would have been.
  assert.equal(await dropped, constants.NGHTTP2_CANCEL)
  assert.equal(door.faults.length, 1)
  begun[0]!.writeHead(204).end()
  const [answered] = (await once(head, 'response')) as [Record<string, unknown>]
  assert.equal(answered[':status'], 204)
  for (const each of [session, shut]) each.destroy()
})

test('a request that was taken back while its body lay unread is not refused when its time is over', {
  timeout: patienceMs,
}, async () => {
  let taken: unknown
  const door = await openDoor({
    limits: { ...limits, requestMs: 50 },
    answer(request) {
      taken = request
      ;(request as { pause(): void }).pause()
    },
  })
  await using _ = door
  // Its end is still to come.
  const begun = frame(1, 4, 1, get())
  const { socket } = await speak(door.port, Buffer.concat([start, begun, frame(0, 0, 1, Buffer.alloc(1_000))]))
  await settled('it is asked', () => taken !== undefined)
  // RST_STREAM with NO_ERROR: Node waits for the body to be read before it destroys the stream.
  socket.write(frame(3, 0, 1, int32(constants.NGHTTP2_NO_ERROR)))
  const next = door.session()
  const slow = next.request({ ...plain, ':method': 'POST' }, { endStream: false })
  slow.on('error', () => undefined)
  await settled('a later one is late', () => door.faults.length > 0)
  assert.deepEqual([...new Set(door.faults)], ['the request did not arrive in time'])
  socket.destroy()
  next.destroy()
})
