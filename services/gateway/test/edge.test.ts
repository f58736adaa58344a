/** The door itself: limits, smuggling, headers, CORS, paths, changes at run time, its own pages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { resetAfter, until } from '../../../platform/kit/test/core-fixture.ts'
import { alice, bearer, rawExchange, startGateway, startUpstream } from './gateway-fixture.ts'

const code = async (answer: Response) => ((await answer.json()) as Problem).code

test('identity and forwarding headers of a client go no further; the gateway says its own', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  await rawExchange(
    edge.port,
    [
      'GET /orders HTTP/1.1',
      'Host: shop.example',
      'Authorization: Bearer alice-token',
      'X-Forwarded-For: 6.6.6.6',
      'Forwarded: for=6.6.6.6',
      'X-Svyaz-Deadline-Ms: 999999',
      'X-Svyaz-User: admin',
      'X-Request-Id: my-id.7',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'tracestate: a=b',
      'Connection: close, X-Hop',
      'X-Hop: 1',
      'Accept-Language: ru',
      '\r\n',
    ].join('\r\n'),
  )
  const { headers } = orders.seen[0]!
  assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(headers['x-forwarded-host'], 'shop.example')
  assert.equal(headers['x-request-id'], 'my-id.7')
  assert.equal(headers['accept-language'], 'ru')
  assert.ok(Number(headers['x-svyaz-deadline-ms']) <= 10_000)
  assert.match(String(headers.traceparent), /^00-0af7651916cd43dd8448eb211c80319c-/)
  assert.notEqual(String(headers.traceparent).split('-')[2], 'b7ad6b7169203331')
  for (const name of ['forwarded', 'x-svyaz-user', 'tracestate', 'x-hop']) assert.equal(headers[name], undefined, name)
})

test('a malformed traceparent begins a trace of our own', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const answer = await fetch(`${edge.base}/orders`, {
    headers: { ...bearer('alice-token'), traceparent: '00-zzz-1-01', 'x-request-id': 'bad id\u00e9' },
  })
  const traceId = answer.headers.get('x-trace-id')
  assert.match(traceId ?? '', /^[0-9a-f]{32}$/)
  assert.equal(answer.headers.get('x-request-id'), traceId)
  const [server, client] = edge.core.spans
  assert.deepEqual([server?.name, client?.name], ['GET /orders', 'GET /orders'])
  assert.equal(client?.parent, server?.traceparent)
  assert.equal(orders.seen[0]?.headers.traceparent, client?.traceparent)
})

test('X-Forwarded-For is believed from a configured proxy', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({
    instances: { orders: [orders.instance] },
    settings: { trustedProxies: ['127.0.0.0/8'] },
  })
  const headers = { ...bearer('alice-token'), 'x-forwarded-for': '6.6.6.6, 203.0.113.9' }
  await (await fetch(`${edge.base}/orders`, { headers })).text()
  assert.equal(orders.seen[0]?.headers['x-forwarded-for'], '203.0.113.9')
})

test('a hundred requests a minute per user, then 429 with Retry-After; another user is not touched', async () => {
  await using orders = await startUpstream('orders-1')
  const frozen = { now: 1_800_000_000_000 }
  const { testCore } = await import('../../../platform/kit/test/core-fixture.ts')
  await using edge = await startGateway({
    instances: { orders: [orders.instance] },
    clock: { ...testCore().clock, monotonic: () => frozen.now },
  })
  const ask = (token: string) => fetch(`${edge.base}/orders`, { headers: bearer(token) })
  for (let i = 0; i < 100; i++) {
    const answer = await ask('alice-token')
    await answer.text()
    assert.equal(answer.status, 200)
  }
  const refused = await ask('alice-token')
  assert.deepEqual([refused.status, await code(refused.clone())], [429, 'too_many_requests'])
  assert.equal(refused.headers.get('retry-after'), '60')
  assert.equal(refused.headers.get('ratelimit'), '"user";r=0;t=60')
  assert.equal((await ask('admin-token')).status, 200)
  frozen.now += 60_000
  assert.equal((await ask('alice-token')).status, 200)
  assert.equal(orders.seen.length, 102)
})

test('one address is limited before its token is looked at', async () => {
  await using edge = await startGateway({
    settings: { addressRequestsPerSecond: 3 },
    clock: {
      ...(await import('../../../platform/kit/test/core-fixture.ts')).testCore().clock,
      monotonic: () => 1_800_000_000_000,
    },
  })
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await fetch(`${edge.base}/orders`, { headers: bearer(`t${i}`) })).status)
  assert.deepEqual(statuses, [401, 401, 401, 429, 429])
  assert.equal(edge.asked.length, 3)
})

test('a request that two readers could understand differently is refused, and the connection ends', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({
    routes: [{ prefix: '/orders', service: 'orders', auth: 'none' }],
    instances: { orders: [orders.instance] },
  })
  const smuggled = 'GET /orders/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const cases: Record<string, string> = {
    'Content-Length with Transfer-Encoding': `POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'Transfer-Encoding with Content-Length': `POST /orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${smuggled}`,
    'two lengths': `POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`,
    'a length with a sign': `POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n${smuggled}`,
    'an unknown coding': `POST /orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n${smuggled}`,
    'a coding twice': `POST /orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
    'a coding in HTTP/1.0': `POST /orders HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'a space before the colon': `POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length : 44\r\n\r\n${smuggled}`,
    'a folded header': `POST /orders HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n Content-Length: 44\r\n\r\n${smuggled}`,
    'two Hosts': `GET /orders HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n${smuggled}`,
    'no Host': `GET /orders HTTP/1.1\r\n\r\n${smuggled}`,
    'a Host with a path': `GET /orders HTTP/1.1\r\nHost: a/b\r\n\r\n${smuggled}`,
    'an encoded slash': `GET /orders%2f7 HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
    'no HTTP': 'what?\r\n\r\n',
    'too many headers': `GET /orders HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(101)}\r\n`,
  }
  for (const [name, bytes] of Object.entries(cases)) {
    const received = await rawExchange(edge.port, bytes)
    assert.match(received, /^HTTP\/1\.1 400 /, `${name}: ${received.slice(0, 200)}`)
    assert.match(received, /application\/problem\+json/, name)
    assert.match(received, /"code":"invalid_request"/, name)
    assert.match(received, /"traceId":"[0-9a-f]{32}"/, name)
    assert.equal(received.match(/HTTP\/1\.1 /g)?.length, 1, `${name}: nothing behind it was answered`)
  }
  assert.equal(orders.seen.length, 0)
})

test('a name that a stranger pointed here is refused, for sockets too', async () => {
  await using edge = await startGateway({})
  for (const [host, status] of [
    ['rebound.evil.example', 403],
    ['shop.example', 401],
    ['localhost:8080', 401],
    ['[::1]', 401],
  ] as const)
    for (const [path, headers] of [
      ['/orders', 'Connection: close\r\n'],
      ['/notifications/stream', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    ]) {
      const received = await rawExchange(edge.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`)
      assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `), `${host} ${path}`)
    }
})

test('what is too long says so, and the connection ends', async () => {
  await using edge = await startGateway({})
  for (const [bytes, status, code] of [
    [`GET /orders HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [`GET /${'x'.repeat(10_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 414, 'target_too_long'],
    [`GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 414, 'target_too_long'],
  ] as const) {
    const received = await rawExchange(edge.port, bytes)
    assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `), received.slice(0, 200))
    assert.match(received, /application\/problem\+json/)
    assert.ok(received.includes(`"code":"${code}"`))
  }
})

test('a reset behind CONNECT or an upgrade ends a connection, not the process', async () => {
  await using edge = await startGateway({})
  for (const head of [
    'CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /notifications/stream HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  ]) {
    await resetAfter(edge.port, head, { answered: false })
    await resetAfter(edge.port, head, { answered: true })
    assert.equal((await fetch(`${edge.base}/orders`)).status, 401)
  }
})

test('no spelling of a path reaches what is behind another route', async () => {
  await using inner = await startUpstream('inner-1')
  await using edge = await startGateway({
    routes: [
      { prefix: '/products', service: 'inventory', auth: 'none' },
      { prefix: '/orders', service: 'orders', auth: 'required' },
    ],
    instances: { inventory: [inner.instance], orders: [inner.instance] },
  })
  const status = async (path: string) => {
    const received = await rawExchange(
      edge.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    return Number(received.slice(9, 12))
  }
  assert.equal(await status('/products/../orders'), 401)
  assert.equal(await status('/products/%2e%2e/orders'), 401)
  assert.equal(await status('//orders'), 401)
  assert.equal(await status('/products/..%2forders'), 400)
  assert.equal(await status('/products/../internal'), 404)
  assert.equal(inner.seen.length, 0)
  assert.equal(await status('/products//a/%2e/%62'), 200)
  assert.equal(inner.seen[0]?.url, '/products/a/b')
})

test('pages of the allow-list may read answers, others may not', async () => {
  await using orders = await startUpstream('orders-1', (_incoming, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }).end()
  })
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const preflight = (origin: string) =>
    fetch(`${edge.base}/orders`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
  const allowed = await preflight('http://127.0.0.1:8090')
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://127.0.0.1:8090')
  assert.match(allowed.headers.get('access-control-allow-methods') ?? '', /PATCH/)
  assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /Idempotency-Key/)
  const stranger = await preflight('https://evil.example')
  assert.equal(stranger.headers.get('access-control-allow-origin'), null)
  assert.equal(stranger.headers.get('access-control-allow-methods'), null)
  const read = await fetch(`${edge.base}/orders`, {
    headers: { ...bearer('alice-token'), origin: 'http://127.0.0.1:8090' },
  })
  assert.equal(read.headers.get('access-control-allow-origin'), 'http://127.0.0.1:8090')
  assert.equal(read.headers.get('access-control-allow-credentials'), null)
  const foreign = await fetch(`${edge.base}/orders`, {
    headers: { ...bearer('alice-token'), origin: 'https://evil.example' },
  })
  assert.equal(foreign.headers.get('access-control-allow-origin'), null)
  assert.match(foreign.headers.get('vary') ?? '', /Origin/)
})

test('routes and limits change while it runs', async () => {
  await using old = await startUpstream('orders-1')
  await using other = await startUpstream('other-1')
  await using edge = await startGateway({ instances: { orders: [old.instance], other: [other.instance] } })
  assert.equal((await fetch(`${edge.base}/other`)).status, 404)
  edge.change({ routes: [{ prefix: '/other', service: 'other', auth: 'none' }] })
  assert.deepEqual(await (await fetch(`${edge.base}/other/x`)).json(), { from: 'other-1' })
  assert.equal((await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })).status, 404)
  const document = (await (await fetch(`${edge.base}/openapi.json`)).json()) as { paths: object }
  const own = ['/admin/gateway/routes', '/orders/{id}/follow', '/products/restock']
  assert.deepEqual(Object.keys(document.paths).sort(), own)
})

test('a route may have a limit of its own', async () => {
  await using users = await startUpstream('users-1')
  await using edge = await startGateway({
    routes: [{ prefix: '/auth', service: 'users', auth: 'none', limit: { requests: 2, seconds: 3_600 } }],
    instances: { users: [users.instance] },
  })
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`${edge.base}/auth/login`, { method: 'POST' })
    statuses.push(answer.status)
    assert.equal(answer.headers.get('ratelimit-policy'), '"route-auth";q=2;w=3600')
  }
  assert.deepEqual(statuses, [200, 200, 429])
})

test('a blocked user is out with the next request', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const ask = () => fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })
  assert.equal((await ask()).status, 200)
  edge.users.delete('alice-token')
  assert.equal((await ask()).status, 200)
  edge.gateway.userBlocked(alice.userId)
  const refused = await ask()
  assert.deepEqual([refused.status, await code(refused)], [401, 'unauthenticated'])
})

test('who signed out is out with the next request; another session of theirs is asked about and goes on', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  edge.users.set('phone-token', { ...alice, sessionId: 'phone' })
  const ask = async (token: string) => (await fetch(`${edge.base}/orders`, { headers: bearer(token) })).status
  assert.deepEqual([await ask('alice-token'), await ask('phone-token')], [200, 200])
  edge.users.delete('phone-token')
  edge.gateway.userSignedOut(alice.userId, 'phone')
  assert.deepEqual([await ask('alice-token'), await ask('phone-token')], [200, 401])
})

test('the log line tells who asked what and how it went, and no secret', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  await (await fetch(`${edge.base}/orders?token=s3cret`, { headers: bearer('alice-token') })).text()
  await edge.running.drain(1_000)
  const line = edge.core.logs.find(({ message }) => message === 'request answered')
  const { durationMs, requestId, ...fields } = (line?.fields ?? {}) as Record<string, unknown>
  assert.equal(typeof durationMs, 'number')
  assert.match(String(requestId), /^[0-9a-f]{32}$/)
  assert.deepEqual(fields, {
    method: 'GET',
    route: '/orders',
    path: '/orders',
    status: 200,
    userId: alice.userId,
    upstream: 'orders-1',
  })
  assert.doesNotMatch(JSON.stringify(edge.core.logs), /alice-token|s3cret/)
})

test('a refusal is traced to its client by a name that is not an address', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({
    settings: { trustedProxies: ['127.0.0.1'] },
    instances: { orders: [orders.instance] },
  })
  const refusedFor = async (address: string) => {
    await (await fetch(`${edge.base}/orders`, { headers: { 'x-forwarded-for': address } })).text()
    await until(
      'the line is written',
      () => edge.core.logs.filter(({ message }) => message === 'request refused').length > seen.length,
    )
    const line = edge.core.logs.filter(({ message }) => message === 'request refused').at(-1)
    seen.push(String((line?.fields as { client?: string } | undefined)?.client))
  }
  const seen: string[] = []
  for (const address of ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:2::1', '192.0.2.7'])
    await refusedFor(address)
  assert.equal(seen[0], seen[1])
  assert.equal(new Set(seen).size, 3)
  assert.doesNotMatch(JSON.stringify(edge.core.logs), /2001:db8|192\.0\.2/)
})

test('an upgrade to something else than the stream is answered as a plain request', async () => {
  await using orders = await startUpstream('orders-1')
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const received = await rawExchange(
    edge.port,
    'GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice-token\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n',
    (text) => text.includes('orders-1'),
  )
  assert.match(received, /^HTTP\/1\.1 200 /)
  assert.equal(orders.seen[0]?.headers['http2-settings'], undefined)
  const tunnel = await rawExchange(edge.port, 'CONNECT inner:80 HTTP/1.1\r\nHost: inner:80\r\n\r\n')
  assert.match(tunnel, /^HTTP\/1\.1 405 /)
})

test('its own pages: a beginning, the document, Swagger UI without anything from elsewhere', async () => {
  await using edge = await startGateway()
  const json = await fetch(edge.base)
  assert.deepEqual(await json.json(), {
    name: 'Svyaz',
    docs: '/docs/',
    openapi: '/openapi.json',
    health: '/health',
    products: '/products',
  })
  const page = await fetch(edge.base, { headers: { accept: 'text/html,*/*' } })
  assert.match(await page.text(), /<a href="\/docs\/">/)
  assert.deepEqual(await (await fetch(`${edge.base}/health`)).json(), { status: 'up' })

  const document = (await (await fetch(`${edge.base}/openapi.json`)).json()) as { openapi: string; paths: object }
  assert.equal(document.openapi, '3.1.0')
  assert.ok('/orders/{id}' in document.paths && '/orders/{id}/follow' in document.paths)
  assert.ok(!('/oauth2/introspect' in document.paths))

  const docs = await fetch(`${edge.base}/docs`)
  assert.equal(docs.url, `${edge.base}/docs/`)
  assert.match(docs.headers.get('content-security-policy') ?? '', /script-src 'self';/)
  const html = await docs.text()
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)
  assert.equal(files.length, 4)
  const types = new Map<string, string | null>()
  for (const file of files) {
    assert.doesNotMatch(file, /\/\//)
    const answer = await fetch(`${edge.base}/docs/${file}`)
    assert.equal(answer.status, 200, file)
    assert.ok((await answer.arrayBuffer()).byteLength > 100, file)
    types.set(file, answer.headers.get('content-type'))
  }
  assert.equal(types.get('swagger-ui.css'), 'text/css; charset=utf-8')
  assert.equal(types.get('start.js'), 'text/javascript; charset=utf-8')
  assert.equal((await fetch(`${edge.base}/docs/package.json`)).status, 404)
  assert.equal((await fetch(`${edge.base}/docs/`, { method: 'POST' })).status, 405)
})

test('what an edge took out of a first packet may be a replay: only safe methods are answered (RFC 8470)', async () => {
  await using orders = await startUpstream('orders-1')
  await using gateway = await startGateway({
    routes: [{ prefix: '/orders', service: 'orders', auth: 'none' }],
    instances: { orders: [orders.instance] },
  })
  const ask = (method: string) => fetch(`${gateway.base}/orders`, { method, headers: { 'early-data': '1' } })
  const read = await ask('GET')
  assert.equal(read.status, 200)
  const write = await ask('POST')
  assert.equal(write.status, 425)
  const problem = (await write.json()) as { code: string }
  assert.equal(problem.code, 'too_early')
  assert.deepEqual(
    orders.seen.map(({ method, headers }) => [method, headers['early-data']]),
    [['GET', undefined]],
  )
})
