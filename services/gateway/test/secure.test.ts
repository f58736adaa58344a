/** The port with TLS: the same gateway over HTTP/2 and HTTP/1.1. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { openSecurely } from './certificate-fixture.ts'
import { bearer, startGateway, startUpstream } from './gateway-fixture.ts'

const routes = [{ prefix: '/orders', service: 'orders', auth: 'optional' as const }]

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Buffer) {
  const stream = session.request(headers, { endStream: body === undefined })
  const head = once(stream, 'response') as Promise<[Record<string, unknown>]>
  if (body !== undefined) stream.end(body)
  const [answered] = await head
  return { status: Number(answered[':status']), headers: answered, body: await text(stream) }
}

const withSession = async (port: number, authority: string, use: (session: ClientHttp2Session) => Promise<void>) => {
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority })
  try {
    await use(session)
  } finally {
    session.destroy()
  }
}

test('a request over HTTP/2 reaches its service as one over HTTP/1.1 does, with what the gateway says of it', async () => {
  await using orders = await startUpstream('orders-1')
  await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  await withSession(secure.port, secure.authority, async (session) => {
    const answered = await ask(
      session,
      {
        ':path': '/orders?limit=1',
        ':method': 'POST',
        ...bearer('alice-token'),
        'content-type': 'application/json',
        'x-forwarded-proto': 'http',
        cookie: ['a=1', 'b=2'],
      },
      '{"a":1}',
    )
    assert.equal(answered.status, 200)
    assert.match(String(answered.headers['x-trace-id']), /^[0-9a-f]{32}$/)
  })
  const [seen] = orders.seen
  assert.deepEqual([seen?.method, seen?.url, seen?.body], ['POST', '/orders?limit=1', '{"a":1}'])
  const { headers } = seen!
  assert.equal(headers['x-forwarded-proto'], 'https')
  assert.equal(headers['x-forwarded-host'], `127.0.0.1:${secure.port}`)
  assert.equal(headers.via, '2.0 svyaz')
  assert.equal(headers.cookie, 'a=1; b=2')
  assert.deepEqual(
    Object.keys(headers).filter((name) => name.startsWith(':')),
    [],
  )
  const caller = await gateway.callerAt('orders', headers.authorization)
  assert.equal(caller.kind, 'user')
})

test('problems, limits of bodies and refused methods are those of HTTP/1.1', async () => {
  await using orders = await startUpstream('orders-1')
  await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  await withSession(secure.port, secure.authority, async (session) => {
    const statusOf = async (headers: OutgoingHttpHeaders, body?: Buffer) => (await ask(session, headers, body)).status
    const post = { ':path': '/orders', ':method': 'POST' }
    assert.equal(await statusOf({ ':path': '/nothing' }), 404)
    assert.equal(await statusOf({ ':path': '/orders', ...bearer('wrong') }), 401)
    assert.equal(await statusOf({ ...post, 'content-length': '2000000' }, Buffer.alloc(2_000_000)), 413)
    // Without a length it has to be counted.
    assert.equal(await statusOf(post, Buffer.alloc(2_000_000)), 413)
    assert.equal(await statusOf({ ':path': '/orders/%00' }), 400)
    // After a doubtful target others on the connection go on: where a request ends is never in doubt here.
    assert.equal(await statusOf({ ':path': '/orders' }), 200)
    assert.equal(await statusOf({ ':path': '/orders', ':authority': 'evil.example' }), 403)
  })
})

test('a client that takes its request back in the middle of the answer is seen to leave', async () => {
  let left = false
  await using orders = await startUpstream('orders-1', (_request, response) => {
    response.on('close', () => {
      left = true
    })
    response.writeHead(200)
    response.write('the first part')
  })
  await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  await withSession(secure.port, secure.authority, async (session) => {
    const stream = session.request({ ':path': '/orders' })
    await once(stream, 'data')
    stream.close(constants.NGHTTP2_CANCEL)
    await until('the service is not kept busy for nobody', () => left)
    await until('it is over', () => gateway.running.inFlight() === 0)
  })
})

// Frames that nobody understands get through to nobody either: without this, the tests below would pass for any of them.
test('HTTP/2 to 1: what is well formed gets through by the same frames, its fields as they were', async () => {
  await using orders = await startUpstream('orders-1')
  await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  assert.equal(await secure.frames({ ':path': '/orders', ':method': 'POST', 'x-a': 'b' }, 'hello'), 200)
  assert.deepEqual(
    orders.seen.map(({ method, url, body, headers }) => [method, url, body, headers['x-a']]),
    [['POST', '/orders', 'hello', 'b']],
  )
})

/** What a gateway must not turn into something else when it writes HTTP/1.1 (RFC 9113, 10.3; "HTTP/2: the sequel is always worse"). */
const smuggling: Record<string, Record<string, string>> = {
  'a line break in a value': { 'x-a': 'b\r\nx-svyaz-user: admin' },
  'a bare line feed in a value': { 'x-a': 'b\nGET /admin HTTP/1.1' },
  'a NUL in a value': { 'x-a': 'b\0c' },
  'a name with a colon': { 'x-a: b': 'c' },
  'a name with a line break': { 'x-a\r\nx-b': 'c' },
  'a transfer coding': { 'transfer-encoding': 'chunked' },
  'a connection field': { connection: 'content-length' },
  'a length that is not the body’s': { 'content-length': '3' },
  'a length that is no number': { 'content-length': '0x5' },
  'a path with a space': { ':path': '/orders HTTP/1.1\r\nx: y' },
  'a path with a line break': { ':path': '/orders\r\nx: y' },
  'a path that is a URL': { ':path': 'http://evil.example/orders' },
  'a method with a space': { ':method': 'GET /admin HTTP/1.1' },
  'an authority with a line break': { ':authority': '127.0.0.1\r\nx: y' },
  'an authority with user and path': { ':authority': 'a@127.0.0.1/admin' },
  'a pseudo-field that there is not': { ':admin': '1' },
  'a scheme that is a URL': { ':scheme': 'http://evil.example/?' },
}
/** What could be read in two ways, were it passed on: the stream has to be reset. */
const resets = new Set(
  Object.keys(smuggling).filter((name) => !/^a (line break|bare line feed|NUL) in a value|^a name|URL$/.test(name)),
)
for (const [name, fields] of Object.entries(smuggling))
  test(`HTTP/2 to 1: ${name} gets through to nobody`, async () => {
    await using orders = await startUpstream('orders-1')
    await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
    await using secure = await openSecurely(gateway)
    const status = await secure.frames({ ':path': '/orders', ':method': 'POST', ...fields }, 'hello')
    assert.ok(status < 500)
    // nghttp2 resets the stream, or leaves a field that is not well formed out; either way nothing of it is passed on.
    for (const { method, url, body, headers } of orders.seen) {
      assert.deepEqual([method, url, body], ['POST', '/orders', 'hello'])
      assert.deepEqual([headers['content-length'], headers['transfer-encoding']], ['5', undefined])
      assert.deepEqual(
        Object.keys(headers).filter((key) => /^x-[ab]|svyaz-user|^:/.test(key)),
        [],
      )
    }
    assert.ok(orders.seen.length <= 1)
    if (resets.has(name)) assert.deepEqual([status, orders.seen.length], [400, 0])
  })

test('a head that HTTP/2 can’t say ends its stream and gives its place back', async () => {
  await using orders = await startUpstream('orders-1', (request, response) => {
    if (request.url === '/orders/twice') response.setHeader('etag', ['"a"', '"b"'])
    response.end('{}')
  })
  const bounded = [{ ...routes[0]!, inFlightMax: 1 }]
  await using gateway = await startGateway({ routes: bounded, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  await withSession(secure.port, secure.authority, async (session) => {
    for (let time = 0; time < 3; time++) {
      const stream = session.request({ ':path': '/orders/twice' })
      await text(stream).catch(() => undefined)
      if (!stream.closed) await once(stream, 'close')
    }
    assert.equal((await ask(session, { ':path': '/orders' })).status, 200)
  })
})

test('an answer that breaks off in the middle doesn’t look whole', async () => {
  await using orders = await startUpstream('orders-1', (_request, response) => {
    response.write('[1,')
    setImmediate(() => response.destroy())
  })
  await using gateway = await startGateway({ routes, instances: { orders: [orders.instance] } })
  await using secure = await openSecurely(gateway)
  await withSession(secure.port, secure.authority, async (session) => {
    const stream = session.request({ ':path': '/orders' })
    await assert.rejects(text(stream), /NGHTTP2_INTERNAL_ERROR/)
  })
})
