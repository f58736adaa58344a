/** The client towards services, over real sockets, against services that answer by the byte. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Failure, type Instance, Unreached } from '@svyaz/kit'
import { until } from '../../../../platform/kit/test/core-fixture.ts'
import { type RequestBody, StreamedBody } from '../request-body.ts'
import type { Receiver } from './call.ts'
import { type UpstreamLimits, Upstreams } from './upstreams.ts'

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** A service on bare sockets: `answer` gets each request's text when its head has come, and the number of its connection. */
interface Bare extends AsyncDisposable {
  instance: Instance
  server: Server
  sockets: Socket[]
  requests: string[]
}

const startBare = async (answer: (socket: Socket, request: string, connection: number) => void): Promise<Bare> => {
  const sockets: Socket[] = []
  const requests: string[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      requests.push(bytes.toString('latin1'))
      answer(socket, bytes.toString('latin1'), connection)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    instance: { id: 'orders-1', host: '127.0.0.1', ports: { http: port } },
    server,
    sockets,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Time that the test moves; timers are real. */
const movedTime = () => {
  const time = { ms: 0, now: () => time.ms }
  return time
}

const startUpstreams = (limits: Partial<UpstreamLimits> = {}, now: () => number = () => performance.now()) =>
  new Upstreams(now, { sweepMs: 5, ...limits })

interface Asked {
  status: number
  body: string
  ends: string[]
  broken: boolean
}

interface Question {
  method?: string
  body?: RequestBody
  headers?: string[]
  timeoutMs?: number
  signal?: AbortSignal
  receiver?: Receiver
}

/** Asks, and waits for all of the answer. Rejects when there is no head. */
const ask = async (
  upstreams: Upstreams,
  instance: Instance,
  question: Question = {},
  asked: Asked = fresh(),
): Promise<Asked> => {
  const { method = 'GET', body = { kind: 'none' }, headers = [], timeoutMs = 20_000, signal } = question
  const over = Promise.withResolvers<void>()
  const gathering: Receiver = {
    destroyed: false,
    write(chunk) {
      asked.body += chunk.toString('latin1')
      return true
    },
    end(last) {
      asked.body += last?.toString('latin1') ?? ''
    },
    destroy() {
      asked.broken = true
    },
    once: () => undefined,
  }
  const answer = {
    head(status: number) {
      asked.status = status
    },
    over(outcome: string) {
      asked.ends.push(outcome)
      over.resolve()
    },
  }
  const bounds = { timeoutMs, signal: signal ?? new AbortController().signal }
  await upstreams.send(instance, { method, path: '/', headers, body }, question.receiver ?? gathering, answer, bounds)
  await over.promise
  return asked
}
const fresh = (): Asked => ({ status: 0, body: '', ends: [], broken: false })

const failsWith =
  (code: string, also: (error: Failure) => boolean = () => true) =>
  (error: unknown) =>
    error instanceof Failure && error.code === code && also(error)

test('a client that is gone before its request is passed on costs the service nothing', async () => {
  await using service = await startBare((socket) => socket.write(ok('a')))
  await using upstreams = startUpstreams()
  const gone = fresh()
  await assert.rejects(
    ask(upstreams, service.instance, { signal: AbortSignal.abort() }, gone),
    failsWith('unavailable'),
  )
  const there = await ask(upstreams, service.instance)
  assert.deepEqual([gone.ends, there.ends, service.requests.length], [['ok'], ['ok'], 1])
})

test('one request after another goes over one connection; of too many at once some are refused, untried', async () => {
  await using service = await startBare((socket) => socket.write(ok('a')))
  await using upstreams = startUpstreams({ waitingPerInstanceMax: 2 })
  for (let turn = 0; turn < 5; turn++) assert.equal((await ask(upstreams, service.instance)).body, 'a')
  assert.equal(service.sockets.length, 1)
  // All of them wait until the end of this turn.
  const asked = await Promise.allSettled(Array.from({ length: 5 }, () => ask(upstreams, service.instance)))
  const untried = asked.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  assert.equal(untried.length, 3)
  for (const reason of untried) assert.ok(reason instanceof Unreached && !reason.tried)
  assert.equal(service.requests.length, 7)
})

test('beyond its connections requests wait for their turn, and leave the queue when their client does', async () => {
  const held: Socket[] = []
  await using service = await startBare((socket) => void held.push(socket))
  await using upstreams = startUpstreams({ connectionsPerInstance: 1 })
  const first = ask(upstreams, service.instance)
  await until('it is under way', () => held.length === 1)
  const leaving = new AbortController()
  const second = ask(upstreams, service.instance, { signal: leaving.signal })
  const third = ask(upstreams, service.instance)
  leaving.abort()
  await assert.rejects(second, failsWith('unavailable'))
  held[0]!.write(ok('1'))
  await until('the third is under way', () => held.length === 2)
  held[1]!.write(ok('3'))
  assert.deepEqual([(await first).body, (await third).body, service.sockets.length], ['1', '3', 1])
})

const notAgain: Record<string, { text: string; question?: Question; body?: string }> = {
  'bytes behind an answer': { text: `${ok('a')}${ok('b')}`, body: 'a' },
  'a service that says close': {
    text: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na',
    body: 'a',
  },
  HEAD: { text: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n', question: { method: 'HEAD' }, body: '' },
  'a body that nobody expects': {
    text: ok('a'),
    question: { body: { kind: 'bytes', bytes: Buffer.from('x') } },
    body: 'a',
  },
  'a service that keeps it for no time': {
    text: 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 1\r\n\r\na',
    body: 'a',
  },
  'HTTP/1.0': { text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', body: 'a' },
}
for (const [name, { text, question, body }] of Object.entries(notAgain))
  test(`after ${name} the connection isn't used again`, async () => {
    await using service = await startBare((socket) => socket.write(text))
    await using upstreams = startUpstreams()
    for (const connections of [1, 2]) {
      const asked = await ask(upstreams, service.instance, question)
      assert.deepEqual([asked.body, asked.ends, service.sockets.length], [body, ['ok'], connections])
    }
    await until('none of them is kept', () => service.sockets.every((socket) => socket.destroyed))
  })

test('bytes that come while nothing was asked end their connection, and are nobody’s answer', async () => {
  await using service = await startBare((socket, _request, connection) => socket.write(ok(`from ${connection}`)))
  await using upstreams = startUpstreams()
  assert.equal((await ask(upstreams, service.instance)).body, 'from 1')
  service.sockets[0]!.write(ok('poison'))
  // Not waited for: what has arrived is read before the next request is written.
  await once(service.sockets[0]!, 'close')
  assert.equal((await ask(upstreams, service.instance)).body, 'from 2')
})

test('an idle connection ends before the service would end it: by the limit, or by what the service says', async () => {
  const time = movedTime()
  let keepAlive = ''
  await using service = await startBare((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\n${keepAlive}Content-Length: 0\r\n\r\n`),
  )
  await using upstreams = startUpstreams({ keepAliveMs: 30_000 }, time.now)
  const keptFor = async (ms: number) => {
    const connections = service.sockets.length
    await ask(upstreams, service.instance)
    assert.equal(service.sockets.length, connections + 1, 'a new one')
    const socket = service.sockets.at(-1)!
    time.ms += ms - 1
    await ask(upstreams, service.instance)
    assert.equal(service.sockets.length, connections + 1, 'the same')
    time.ms += ms
    await until('it is closed', () => socket.destroyed)
  }
  await keptFor(30_000)
  keepAlive = 'Keep-Alive: timeout=5\r\n'
  await keptFor(4_000)
})

test('an address that can’t be one fails the calls to it, and nothing else', async () => {
  await using service = await startBare((socket) => socket.write(ok('fine')))
  await using upstreams = startUpstreams()
  for (const [host, port] of [
    ['127.0.0.1', 70_000],
    ['a\u0000b', 80],
  ] as const) {
    const nowhere: Instance = { id: 'orders-2', host, ports: { http: port } }
    await assert.rejects(ask(upstreams, nowhere), (error) => error instanceof Failure && error.status === 503)
  }
  assert.equal((await ask(upstreams, service.instance)).body, 'fine')
})

test('a client that leaves its answer unread doesn’t keep the connection by it, and the instance isn’t blamed', async () => {
  const time = movedTime()
  await using service = await startBare((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha'))
  await using upstreams = startUpstreams({ bodySilenceMs: 1_000, unreadMsMax: 30_000 }, time.now)
  let broken = false
  let waits = false
  const receiver: Receiver = {
    destroyed: false,
    write: () => false,
    once: () => {
      waits = true
    },
    end: () => undefined,
    destroy() {
      broken = true
    },
  }
  const asked = fresh()
  const asking = ask(upstreams, service.instance, { receiver }, asked)
  await until('it is not read from', () => waits)
  time.ms += 30_000
  await asking
  assert.deepEqual([broken, asked.ends], [true, ['ok']])
  await until('the connection is closed', () => service.sockets[0]!.destroyed)
})

for (const goesOn of [true, false])
  test(`an answer ${goesOn ? 'that goes on' : 'silent just then'} isn’t read for a receiver that is gone, and the instance isn’t blamed`, async () => {
    await using service = await startBare((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nha'))
    // A sweep sees it when nothing comes; what comes shows it without one.
    await using upstreams = startUpstreams(goesOn ? { sweepMs: 60_000 } : {})
    const written: Buffer[] = []
    const receiver = {
      destroyed: false,
      write: (chunk: Buffer) => written.push(chunk) > 0,
      once: () => undefined,
      end: () => undefined,
      destroy: () => undefined,
    }
    const asked = fresh()
    const asking = ask(upstreams, service.instance, { receiver }, asked)
    await until('it has begun', () => written.length === 1)
    receiver.destroyed = true
    if (goesOn) service.sockets[0]!.write('lf')
    await asking
    assert.deepEqual(asked.ends, ['ok'])
    await until('the connection is closed', () => service.sockets[0]!.destroyed)
  })

test('of an answer that is silent for too long the client sees that it broke; one that isn’t read is waited for', async () => {
  const time = movedTime()
  await using service = await startBare((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha'))
  await using upstreams = startUpstreams({ bodySilenceMs: 1_000 }, time.now)
  const asked = fresh()
  const asking = ask(upstreams, service.instance, {}, asked)
  await until('it has begun', () => asked.body === 'ha')
  time.ms += 999
  service.sockets[0]!.write('l')
  await until('it goes on', () => asked.body === 'hal')
  time.ms += 1_000
  await asking
  assert.deepEqual([asked.broken, asked.ends], [true, ['failed']])

  const drains: (() => void)[] = []
  let ended = ''
  const receiver: Receiver = {
    destroyed: false,
    write: () => false,
    once: (_event, listener) => void drains.push(listener),
    end(last) {
      ended = last?.toString('latin1') ?? ''
    },
    destroy() {
      ended = 'broken'
    },
  }
  const slow = ask(upstreams, service.instance, { receiver })
  await until('it is not read from', () => drains.length === 1)
  service.sockets[1]!.write('lf')
  const other = fresh()
  const otherAsking = ask(upstreams, service.instance, {}, other)
  await until('another has begun', () => other.body === 'ha')
  time.ms += 1_000
  await otherAsking
  assert.deepEqual([other.broken, ended], [true, ''])
  drains[0]!()
  await slow
  assert.equal(ended, 'lf')
})

test('a large answer waits for whoever doesn’t take it, and comes whole', async () => {
  const bytes = 8 * 1024 * 1024
  await using service = await startBare((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`)
    socket.write(Buffer.alloc(bytes))
  })
  await using upstreams = startUpstreams()
  let taken = 0
  const drains: (() => void)[] = []
  const receiver: Receiver = {
    destroyed: false,
    write(chunk) {
      assert.equal(drains.length, 0, 'nothing comes before it may')
      taken += chunk.length
      return false
    },
    once: (_event, listener) => void drains.push(listener),
    end(last) {
      taken += last?.length ?? 0
    },
    destroy: () => assert.fail('it broke'),
  }
  const asked = fresh()
  const asking = ask(upstreams, service.instance, { receiver }, asked)
  await until('the first part is there', () => drains.length === 1)
  assert.ok(taken <= 64 * 1024)
  while (asked.ends.length === 0) {
    drains.shift()?.()
    await turn()
  }
  await asking
  assert.equal(taken, bytes)
})

test('an instance that can’t be connected to has taken nothing; one that breaks off may have', async () => {
  const closed = await startBare(() => undefined)
  await closed[Symbol.asyncDispose]()
  await using breaking = await startBare((socket) => socket.destroy())
  await using upstreams = startUpstreams()
  const away = fresh()
  await assert.rejects(ask(upstreams, closed.instance, {}, away), (error) => error instanceof Unreached && error.tried)
  const broken = fresh()
  await assert.rejects(
    ask(upstreams, breaking.instance, {}, broken),
    failsWith('bad_gateway', (error) => !(error instanceof Unreached)),
  )
  assert.deepEqual([away.ends, broken.ends], [['failed'], ['failed']])
})

test('nonsense is 502, no head in time 504, and neither leaves a connection behind', async () => {
  await using odd = await startBare((socket) => socket.write('SSH-2.0-x\r\n'))
  await using silent = await startBare((socket) => socket.write('HTTP/1.1 200 OK\r\n'))
  await using upstreams = startUpstreams()
  await assert.rejects(ask(upstreams, odd.instance), failsWith('bad_gateway'))
  await assert.rejects(ask(upstreams, silent.instance, { timeoutMs: 30 }), failsWith('deadline_exceeded'))
  await until('both are closed', () => [odd, silent].every(({ sockets }) => sockets[0]!.destroyed))
})

test('an answer that breaks off, is ambiguous later, or has a chunk of a wrong size breaks at the client', async () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  let text = ''
  await using service = await startBare((socket) => socket.end(text))
  await using upstreams = startUpstreams()
  for (text of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf',
    `${chunked}4\r\nhalf\r\n`,
    `${chunked}4\r\nhalfx\r\n0\r\n\r\n`,
  ]) {
    const asked = await ask(upstreams, service.instance)
    assert.deepEqual([asked.status, asked.broken, asked.ends], [200, true, ['failed']], text)
  }
})

test('a client that leaves ends its exchange at the service', async () => {
  await using service = await startBare((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha'))
  await using upstreams = startUpstreams()
  const leaving = new AbortController()
  const asked = fresh()
  const asking = ask(upstreams, service.instance, { signal: leaving.signal }, asked)
  await until('it has begun', () => asked.body === 'ha')
  leaving.abort()
  await asking
  await until('the service sees it', () => service.sockets[0]!.destroyed)
  assert.deepEqual([asked.broken, asked.ends], [true, ['ok']])
})

/** A request's body that the test sends. */
const bodyFrom = (stream: PassThrough): RequestBody => new StreamedBody(stream as never)

test('a streamed body is written as it comes, by its length or in chunks', async () => {
  let last = ''
  await using service = await startBare((socket) => {
    if (service.requests.join('').endsWith(last)) socket.write(ok('got'))
  })
  await using upstreams = startUpstreams()
  for (const [headers, end, expected] of [
    [['content-length', '8'], 'two!!', 'content-length: 8\r\n\r\nonetwo!!'],
    [[], '0\r\n\r\n', 'transfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\ntwo!!\r\n0\r\n\r\n'],
  ] as const) {
    last = end
    service.requests.length = 0
    const stream = new PassThrough()
    const asking = ask(upstreams, service.instance, { method: 'POST', body: bodyFrom(stream), headers: [...headers] })
    stream.write('one')
    await until('the first part is there', () => service.requests.join('').includes('one'))
    stream.end('two!!')
    assert.equal((await asking).body, 'got')
    assert.ok(service.requests.join('').endsWith(expected))
  }
  assert.equal(service.sockets.length, 1)
})

test('a body that breaks off, or isn’t as long as announced, ends its request without blame for the instance', async () => {
  await using service = await startBare(() => undefined)
  await using upstreams = startUpstreams()
  for (const finish of [
    (stream: PassThrough) => stream.destroy(),
    (stream: PassThrough) => stream.end('more'),
    (stream: PassThrough) => stream.end(),
  ]) {
    const stream = new PassThrough()
    const asked = fresh()
    const asking = ask(
      upstreams,
      service.instance,
      { method: 'POST', body: bodyFrom(stream), headers: ['content-length', '5'] },
      asked,
    )
    stream.write('one')
    await until('it is under way', () => service.requests.join('').includes('one'))
    finish(stream)
    await assert.rejects(asking, failsWith('invalid_request'))
    assert.deepEqual(asked.ends, ['ok'])
    await until('the service sees it', () => service.sockets.at(-1)!.destroyed)
    service.requests.length = 0
  }
})

test('an answer before the end of its request is passed on, and its connection isn’t used again', async () => {
  await using service = await startBare((socket) => socket.write(ok('early')))
  await using upstreams = startUpstreams()
  for (const connections of [1, 2]) {
    const stream = new PassThrough()
    stream.write('some')
    const asked = await ask(upstreams, service.instance, { method: 'POST', body: bodyFrom(stream) })
    assert.deepEqual([asked.body, asked.ends, service.sockets.length], ['early', ['ok'], connections])
    // What is left is read and dropped: the client isn't left hanging.
    stream.end(Buffer.alloc(1024 * 1024))
    await once(stream, 'end')
  }
})

test('when the gateway stops, what waits was taken by nobody and what is under way broke', async () => {
  await using service = await startBare(() => undefined)
  const upstreams = startUpstreams({ connectionsPerInstance: 1 })
  const underWay = assert.rejects(ask(upstreams, service.instance), failsWith('bad_gateway'))
  const waiting = assert.rejects(ask(upstreams, service.instance), (error) => error instanceof Unreached)
  await until('it is under way', () => service.requests.length === 1)
  await upstreams[Symbol.asyncDispose]()
  await Promise.all([underWay, waiting])
})

test('connections to instances that are long gone are given up after their last answer', async () => {
  await using first = await startBare((socket, request) => void (request.startsWith('GET') && socket.write(ok('1'))))
  await using second = await startBare((socket) => socket.write(ok('2')))
  await using upstreams = startUpstreams({ instancesMax: 1 })
  await ask(upstreams, first.instance)
  const late = ask(upstreams, first.instance, { method: 'DELETE' })
  await until('it is under way', () => first.requests.length === 2)
  await ask(upstreams, second.instance)
  assert.equal(first.sockets[0]!.destroyed, false)
  first.sockets[0]!.write(ok('late'))
  assert.equal((await late).body, 'late')
  await until('it is closed', () => first.sockets[0]!.destroyed)
})
