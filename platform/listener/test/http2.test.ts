/** A client of node:http2 for what is well-formed, frames by hand for what isn't; over TLS, as it is served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { ask, certificate, field, frame, get, int32, openDoor, speak, start, until } from './http2-fixture.ts'

test('one port speaks HTTP/2 and HTTP/1.1, by what the client offers, and answers alike', async () => {
  await using door = await openDoor()
  const session = door.session()
  const second = await ask(session, { ':path': '/a?b=1', ':method': 'POST', 'x-one': '1' }, 'body')
  session.close()
  const request = httpsRequest({ port: door.port, host: '127.0.0.1', path: '/a?b=1', method: 'POST', ca: certificate })
  request.end('body')
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const first = JSON.parse(await text(response))
  const { raw, ...answered } = JSON.parse(second.body)
  assert.deepEqual(answered, {
    method: 'POST',
    url: '/a?b=1',
    httpVersion: '2.0',
    host: `127.0.0.1:${door.port}`,
    body: 'body',
  })
  assert.deepEqual(raw, ['host', `127.0.0.1:${door.port}`, 'x-one', '1'])
  assert.deepEqual([first.httpVersion, first.url, first.body], ['1.1', '/a?b=1', 'body'])
})

test('a cookie in pieces is one field; two names that contradict each other are refused', async () => {
  await using door = await openDoor()
  const session = door.session()
  const one = await ask(session, { ':path': '/', cookie: ['a=1', 'b=2'] })
  const cookie = JSON.parse(one.body).raw
  assert.deepEqual(cookie.slice(-2), ['cookie', 'a=1; b=2'])
  const other = await ask(session, { ':path': '/', ':authority': 'localhost', host: 'other.example' })
  assert.equal(other.status, 400)
  session.close()
})

test('CONNECT is refused: for a tunnel with 405, for a WebSocket on a stream by the SETTINGS', async () => {
  await using door = await openDoor()
  const session = door.session()
  const [settings] = await once(session, 'remoteSettings')
  assert.equal(settings.enableConnectProtocol, false)
  assert.equal((await ask(session, { ':method': 'CONNECT', ':authority': 'a:1' }, '')).status, 405)
  session.destroy()
})

test('a WebSocket on a stream goes to whoever takes it, and isn’t waited for as a body would be', async () => {
  await using door = await openDoor({
    limits: { requestMs: 100, checkEveryMs: 20 },
    socket(request, stream) {
      stream.respond({ ':status': 200, 'x-host': request.headers.host ?? '' })
      stream.pipe(stream)
    },
  })
  const session = door.session()
  const [settings] = await once(session, 'remoteSettings')
  assert.equal(settings.enableConnectProtocol, true)
  const connect = { ':method': 'CONNECT', ':scheme': 'https', ':authority': 'a:1', ':path': '/' }
  const stream = session.request({ ...connect, ':protocol': 'websocket' })
  const [answered] = (await once(stream, 'response')) as [Record<string, unknown>]
  assert.deepEqual([answered[':status'], answered['x-host']], [200, 'a:1'])
  // By the time that this one is refused, the other would have been as well.
  const slow = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
  const [late] = (await once(slow, 'response')) as [Record<string, unknown>]
  assert.equal(late[':status'], 408)
  stream.write('still here')
  assert.equal(String((await once(stream, 'data'))[0]), 'still here')
  assert.equal((await ask(session, { ...connect, ':protocol': 'connect-udp' }, '')).status, 405)
  assert.equal((await ask(session, { ':method': 'CONNECT', ':authority': 'a:1' }, '')).status, 405)
  session.destroy()
})

test('headers beyond the limit, in bytes or in number, end the stream and not the connection', async () => {
  await using door = await openDoor({ limits: { headerBytesMax: 2_000, headerFieldsMax: 20 } })
  const session = door.session()
  await once(session, 'remoteSettings')
  // More than the client may send by the server's SETTINGS: it is nghttp2 on the other side that has to notice.
  await assert.rejects(ask(session, { ':path': '/', 'x-long': 'y'.repeat(3_000) }))
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, '1']))
  await assert.rejects(ask(session, { ':path': '/', ...many }))
  const good = await ask(session, { ':path': '/' })
  assert.equal(good.status, 200)
  session.close()
})

test('a session that asks for nothing ends; a body that does not come is 408 and takes nobody with it', async () => {
  await using door = await openDoor({ limits: { headersMs: 50, requestMs: 100, checkEveryMs: 20 } })
  await once(door.session(), 'close')
  const session = door.session()
  const slow = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
  slow.write('half')
  const [late] = (await once(slow, 'response')) as [Record<string, unknown>]
  assert.equal(late[':status'], 408)
  slow.resume()
  const good = await ask(session, { ':path': '/' })
  assert.equal(good.status, 200)
  assert.ok(door.refusals.includes('request_timeout'))
  session.destroy()
})

test('an answer that comes before the body ends its stream, so that the rest is not sent', async () => {
  await using door = await openDoor({
    answer: (request, response) => {
      request.once('data', () => {
        request.pause()
        response.writeHead(413)
        response.end('enough')
      })
    },
  })
  const post = Buffer.concat([field(':method', 'POST'), get().subarray(field(':method', 'GET').length)])
  const { socket } = await speak(
    door.port,
    Buffer.concat([start, frame(1, 4, 1, post), frame(0, 0, 1, Buffer.alloc(9))]),
  )
  await until(socket, frame(3, 0, 1, int32(0)))
  socket.destroy()
})

test('where all places are taken, the connection that waits longest goes, whatever it speaks', async () => {
  await using door = await openDoor({ bounds: { connectionsMax: 2, connectionsPerAddressMax: 2 } })
  const waiting = door.session()
  await ask(waiting, { ':path': '/' })
  const gone = once(waiting, 'close')
  for (const _ of [1, 2]) {
    const session = door.session()
    const { status } = await ask(session, { ':path': '/' })
    assert.equal(status, 200)
  }
  await gone
  assert.equal(door.table.size, 2)
})

test('a session that is told to go away finishes what is under way', async () => {
  const answers: (() => void)[] = []
  await using door = await openDoor({ answer: (_request, response) => void answers.push(() => response.end('late')) })
  const session = door.session()
  const late = ask(session, { ':path': '/' })
  await once(session, 'remoteSettings')
  while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const told = once(session, 'goaway')
  door.http2.drain()
  await told
  answers[0]?.()
  const answered = await late
  assert.equal(answered.body, 'late')
  await once(session, 'close')
})

test('a handshake that nobody finishes makes room for one that somebody does', async () => {
  await using door = await openDoor({ tls: { handshakesMax: 3, handshakeMs: 60_000 } })
  const silent = Array.from({ length: 4 }, () => connectPlain(door.port, '127.0.0.1').on('error', () => undefined))
  await once(silent[0]!, 'close')
  const session = door.session()
  const { status } = await ask(session, { ':path': '/' })
  assert.equal(status, 200)
  for (const socket of silent) socket.destroy()
  session.destroy()
})

test('a handshake that takes too long ends', async () => {
  await using door = await openDoor({ tls: { handshakesMax: 10, handshakeMs: 50 } })
  const silent = connectPlain(door.port, '127.0.0.1')
  silent.on('error', () => undefined)
  await once(silent.resume(), 'close')
  assert.equal(door.failures.length, 1)
})

test('what is neither TLS nor HTTP/2 ends its connection and nothing else', async () => {
  await using door = await openDoor()
  const plain = connectPlain(door.port, '127.0.0.1')
  plain.on('error', () => undefined)
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await once(plain.resume(), 'close')
  const nonsense = await speak(door.port, Buffer.from('this is not a preface, and long enough to be judged'))
  await nonsense.ended
  const session = door.session()
  const { status } = await ask(session, { ':path': '/' })
  assert.equal(status, 200)
  session.destroy()
})

/** Resolves when more may be written, or nothing any more. */
const drained = (socket: TLSSocket): Promise<unknown> =>
  Promise.race([once(socket, 'drain').catch(() => undefined), once(socket, 'close').catch(() => undefined)])

/** Bytes without end: each write is a bounded piece, until the server has had enough. */
async function flood(port: number, piece: (round: number) => Buffer, rounds: number): Promise<Buffer> {
  const { socket, ended } = await speak(port, start)
  for (let round = 0; round < rounds && !socket.destroyed; round++) {
    if (!socket.write(piece(round))) await drained(socket)
  }
  return ended
}

const floods: Record<string, { piece: (round: number) => Buffer; rounds: number }> = {
  'rapid reset (CVE-2023-44487)': {
    piece: (round) => Buffer.concat([frame(1, 5, 2 * round + 1, get()), frame(3, 0, 2 * round + 1, int32(8))]),
    rounds: 5_000,
  },
  'a header block without end (CVE-2024-27983)': {
    piece: (round) => (round === 0 ? frame(1, 0, 1, get()) : frame(9, 0, 1, field('x', 'y'.repeat(100)))),
    rounds: 5_000,
  },
  'empty CONTINUATIONs': {
    piece: (round) => (round === 0 ? frame(1, 0, 1, get()) : frame(9, 0, 1)),
    rounds: 50_000,
  },
  'broken requests on the same connection': {
    piece: (round) => frame(1, 5, 2 * round + 1, get(field('connection', 'close'))),
    rounds: 5_000,
  },
}
for (const [name, { piece, rounds }] of Object.entries(floods))
  test(`${name}: the connection ends, and others are served`, async () => {
    await using door = await openDoor()
    await flood(door.port, piece, rounds)
    const session = door.session()
    const { status } = await ask(session, { ':path': '/' })
    assert.equal(status, 200)
    session.destroy()
  })

test('headers that come byte by byte end the connection, though each byte is on time', async () => {
  await using door = await openDoor({ limits: { headersMs: 60, checkEveryMs: 20 } })
  // HEADERS without its end, then CONTINUATION after CONTINUATION, none of which has it.
  const { socket, ended } = await speak(door.port, Buffer.concat([start, frame(1, 0, 1, get())]))
  let open = true
  void ended.then(() => {
    open = false
  })
  for (let count = 0; open && count < 1_000; count++) {
    socket.write(frame(9, 0, 1, field('x-slow', '1')))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.ok(!open, 'it is still open')
})

/** One field in the table, then named again and again: a byte each on the wire, 4 kB each when unpacked. */
test('an HPACK bomb is stopped at the limit of the header section', async () => {
  let asked = 0
  await using door = await openDoor({
    answer: (_request, response) => {
      asked++
      response.end()
    },
  })
  const value = Buffer.alloc(3_900, 0x61)
  // 0x40: literal with indexing; 3900 = 127 + 3773 in the integers of RFC 7541, 5.1.
  const stored = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xbd, 0x1d]), value])
  const bomb = Buffer.concat([get(), stored, Buffer.alloc(4_000, 0xbe)])
  const { socket, ended } = await speak(door.port, Buffer.concat([start, frame(1, 5, 1, bomb)]))
  // ENHANCE_YOUR_CALM on the stream, or the end of all.
  await Promise.race([until(socket, frame(3, 0, 1, int32(11))), ended])
  assert.equal(asked, 0)
  socket.destroy()
})

test('a flood of PINGs or SETTINGS whose answers nobody reads ends the connection', async () => {
  await using door = await openDoor()
  for (const one of [frame(6, 0, 0, Buffer.alloc(8)), frame(4, 0, 0)]) {
    const piece = Buffer.concat(Array(200).fill(one))
    const { socket, ended } = await speak(door.port, start)
    socket.pause()
    for (let round = 0; round < 5_000 && !socket.destroyed; round++) if (!socket.write(piece)) await drained(socket)
    socket.resume()
    await ended
  }
  const session = door.session()
  const { status } = await ask(session, { ':path': '/' })
  assert.equal(status, 200)
  session.destroy()
})
