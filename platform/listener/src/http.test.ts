import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { ListenerFault } from './faults.ts'
import { createHttpListener } from './http.ts'

const listening = async (server: Server) => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    connect: async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      return socket
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
const talk = async (socket: Socket, bytes: string): Promise<string> => {
  socket.write(bytes)
  return text(socket)
}
const statusOf = (answer: string) => Number(answer.split(' ')[1])

describe('a guarded HTTP server', () => {
  const refused: [ListenerFault, unknown][] = []
  const make = (limits = {}) =>
    createHttpListener({
      limits,
      refused: (fault, cause) => refused.push([fault, cause]),
      answer(request, response, { path }) {
        if (path === '/throws') throw new Error('broken here')
        if (path === '/rejects') return Promise.reject(new Error('broken later'))
        request.resume()
        response.end(`path ${path}`)
      },
    })

  // Each of these lets node:http hand the socket over or keep it; the reset comes at once, or behind the answer.
  for (const [name, head] of [
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['an upgrade', 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['a broken request', 'nonsense\r\n\r\n'],
    ['half a head', 'GET / HTTP/1.1\r\nhost'],
    ['half a body', 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf'],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nhost: localhost\r\nexpect: tea\r\n\r\n'],
  ] as const)
    for (const handled of [true, false])
      it(`survives a reset after ${name}${handled ? ', where upgrades have a listener' : ''}`, async () => {
        const server = make()
        if (handled) server.on('upgrade', () => undefined)
        await using system = await listening(server)
        const [early, late] = [await system.connect(), await system.connect()]
        early.write(head)
        early.resetAndDestroy()
        late.write(head)
        if (name !== 'half a head' && name !== 'half a body' && !(handled && name === 'an upgrade'))
          await once(late, 'data')
        late.resetAndDestroy()
        const next = await system.connect()
        assert.equal(statusOf(await talk(next, 'GET / HTTP/1.0\r\n\r\n')), 200)
      })

  it('a socket that was handed over survives its error, whoever has it', async () => {
    const server = make()
    const taken = new Promise<Socket>((resolve) => server.on('upgrade', (_, socket) => resolve(socket as Socket)))
    await using system = await listening(server)
    const client = await system.connect()
    client.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    const socket = await taken
    assert.ok(socket.listenerCount('error') > 0)
    // Not `once`: that rejects on an error, which is what comes here.
    const closed = new Promise((resolve) => socket.on('close', resolve))
    client.resetAndDestroy()
    socket.write('too late')
    await closed
  })

  it('answers odd targets', async () => {
    await using system = await listening(make())
    for (const [target, status] of [
      ['//', 200],
      ['*', 200],
      ['http://elsewhere/a', 200],
      ['\\\\', 400],
      ['a:1', 400],
      [`/${'a'.repeat(10_000)}`, 414],
      [`/${'a'.repeat(40_000)}`, 414],
    ] as const)
      assert.equal(
        statusOf(
          await talk(await system.connect(), `GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`),
        ),
        status,
        target.slice(0, 20),
      )
  })

  it('says 431 to a header section that is too large, and 405 to CONNECT, as problems', async () => {
    await using system = await listening(make())
    const large = await talk(
      await system.connect(),
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
    )
    assert.match(large, /^HTTP\/1\.1 431 .*application\/problem\+json.*"code":"headers_too_large"/s)
    const tunnel = await talk(await system.connect(), 'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n')
    assert.match(tunnel, /^HTTP\/1\.1 405 .*application\/problem\+json/s)
  })

  it('makes a throw and a rejection one 500 and one line', async () => {
    await using system = await listening(make())
    for (const path of ['/throws', '/rejects']) {
      refused.length = 0
      const answer = await talk(await system.connect(), `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      assert.equal(statusOf(answer), 500)
      assert.doesNotMatch(answer, /broken/)
      assert.match(String(refused[0]?.[1]), /broken/)
      assert.equal(refused.length, 1)
    }
  })

  for (const [what, bytes] of [
    ['a header section', 'GET / HTTP/1.1\r\nhost'],
    ['a body', 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n1'],
  ] as const)
    it(`holds its time for ${what}, and says 408 where nothing was answered yet`, async () => {
      // Node's own default looks every 30 s.
      const server = make({ headersMs: 100, requestMs: 100, checkEveryMs: 25 })
      if (what === 'a body') {
        server.removeAllListeners('request')
        server.on('request', (request) => request.resume())
      }
      await using system = await listening(server)
      const startedAt = performance.now()
      const answer = await talk(await system.connect(), bytes)
      assert.ok(performance.now() - startedAt < 10_000, 'the time-out came far too late')
      assert.equal(statusOf(answer), 408)
      assert.match(answer, /"code":"request_timeout"/)
    })

  it('tells those it has no room for 503 and when to come again, never by a reset, and serves nothing that it refused', async () => {
    const served: string[] = []
    const server = createHttpListener({
      connections: { connectionsPerAddressMax: 8 },
      answer(_request, response, { path }) {
        served.push(path)
        response.end()
      },
    })
    await using system = await listening(server)
    const all = Promise.withResolvers<void>()
    let come = 0
    server.on('connection', () => {
      if (++come === 64) all.resolve()
    })
    const sockets = await Promise.all(Array.from({ length: 64 }, () => system.connect()))
    await all.promise
    const answers = await Promise.all(
      sockets.map((socket, at) => talk(socket, `GET /${at} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)),
    )
    const refused = answers.flatMap((answer, at) => (statusOf(answer) === 503 ? [`/${at}`] : []))
    for (const [at, answer] of answers.entries())
      assert.match(answer, /^HTTP\/1\.1 (?:200|503 .*\r\nretry-after: 1\r\n)/s, `request ${at}`)
    assert.equal(refused.length, 56)
    assert.equal(served.length, 8)
    assert.deepEqual(
      served.filter((path) => refused.includes(path)),
      [],
    )
  })

  it('has no place when all its connections work, says so, and has one when an answer is over', async () => {
    const answers: (() => void)[] = []
    const server = createHttpListener({
      connections: { connectionsPerAddressMax: 2 },
      answer: (_request, response) => void answers.push(() => response.end()),
    })
    await using system = await listening(server)
    const get = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
    const [first, second] = [await system.connect(), await system.connect()]
    for (const socket of [first, second]) {
      socket.write(get)
      await once(server, 'request')
    }
    assert.match(await text(await system.connect()), /^HTTP\/1\.1 503 .*retry-after: 1\r\n.*"code":"unavailable"/s)
    answers.shift()?.()
    await once(first, 'data')
    const third = await system.connect()
    await once(first, 'close')
    third.write(get)
    await once(server, 'request')
    answers.pop()?.()
    assert.match(String((await once(third, 'data'))[0]), /^HTTP\/1\.1 200/)
    second.destroy()
  })

  it('is not held by a request that was refused before its body was there', async () => {
    const server = createHttpListener({
      connections: { connectionsPerAddressMax: 1 },
      answer: (_request, response) => void response.end('early'),
    })
    await using system = await listening(server)
    const first = await system.connect()
    first.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf')
    await once(first, 'data')
    first.write('other')
    const second = await system.connect()
    await once(first, 'close')
    assert.match(
      await talk(second, 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'),
      /^HTTP\/1\.1 200/,
    )
  })

  it('keeps an upgraded connection as one that works, until it ends', async () => {
    const server = createHttpListener({ connections: { connectionsPerAddressMax: 2 }, answer: () => undefined })
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      socket.once('data', () => socket.end())
    })
    await using system = await listening(server)
    const upgraded = await system.connect()
    upgraded.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    await once(upgraded, 'data')
    const [second, third] = [await system.connect(), await system.connect()]
    second.resume()
    await once(second, 'close')
    upgraded.write('bye')
    await once(upgraded, 'end')
    third.destroy()
    assert.ok((await system.connect()).writable)
  })
})
