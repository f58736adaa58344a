/** What the caller gets while a service is away, slow or broken. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import type { Instance } from '@svyaz/kit'
import { defaultRoutes, type RouteInput, routeList } from '../src/routes.ts'
import { bearer, startGateway, startUpstream } from './gateway-fixture.ts'

const dead = (id: string): Instance => ({ id, host: '127.0.0.1', ports: { http: 1 } })
const code = async (answer: Response) => ((await answer.json()) as Problem).code
const orders: RouteInput = { prefix: '/orders', service: 'orders', auth: 'none' }

test('no instance: 503 with Retry-After, at once', async () => {
  await using edge = await startGateway({ routes: [orders] })
  const answer = await fetch(`${edge.base}/orders`)
  assert.deepEqual([answer.status, answer.headers.get('retry-after'), await code(answer)], [503, '1', 'unavailable'])
})

test('a route may answer something else while its service is away', async () => {
  const substitute = { status: 200, headers: { 'x-substitute': 'yes' }, body: { products: [] } }
  await using edge = await startGateway({ routes: [{ ...orders, substitute }] })
  const answer = await fetch(`${edge.base}/orders`)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-substitute'), 'yes')
  assert.deepEqual(await answer.json(), { products: [] })
})

test('a route may name a spare', async () => {
  await using spare = await startUpstream('spare-1')
  await using edge = await startGateway({
    routes: [{ ...orders, spare: 'spare' }],
    instances: { orders: [dead('orders-1')], spare: [spare.instance] },
  })
  const answer = await fetch(`${edge.base}/orders`, { method: 'POST', body: '{"a":1}' })
  assert.deepEqual(await answer.json(), { from: 'spare-1' })
  assert.equal(spare.seen[0]?.body, '{"a":1}')
})

test('a dead instance costs the caller nothing: also a POST is sent elsewhere, for no byte of it was taken', async () => {
  await using alive = await startUpstream('orders-2')
  await using edge = await startGateway({
    routes: [orders],
    instances: { orders: [dead('orders-1'), alive.instance] },
  })
  for (let i = 0; i < 12; i++) {
    const answer = await fetch(`${edge.base}/orders`, { method: 'POST', body: '{}' })
    assert.equal(answer.status, 200)
  }
  assert.equal(alive.seen.length, 12)
  assert.ok(edge.core.counted('call_retries_total') > 0)
})

test('a broken connection is repeated for GET and for a keyed POST, never for another POST', async () => {
  await using breaking = await startUpstream('orders-1', (incoming, response) => {
    if (breaking.seen.length % 2 === 1) incoming.socket.destroy()
    else response.end('second')
  })
  await using edge = await startGateway({
    routes: [{ ...orders, retry: 'keyed' }],
    instances: { orders: [breaking.instance] },
  })
  assert.equal(await (await fetch(`${edge.base}/orders`)).text(), 'second')
  const keyed = await fetch(`${edge.base}/orders`, { method: 'POST', body: '{}', headers: { 'idempotency-key': 'a' } })
  assert.equal(await keyed.text(), 'second')
  assert.equal(breaking.seen.length, 4)
  const plain = await fetch(`${edge.base}/orders`, { method: 'POST', body: '{}' })
  assert.deepEqual([plain.status, await code(plain), breaking.seen.length], [502, 'bad_gateway', 5])
})

test('a service that does not answer in time is 504, and one that talks nonsense 502', async (t) => {
  await using silent = await startUpstream('orders-1', () => undefined)
  const { createServer } = await import('node:net')
  const nonsense = createServer((socket) => socket.end('this is not HTTP\r\n\r\n'))
  await new Promise<void>((resolve) => nonsense.listen(0, '127.0.0.1', resolve))
  t.after(() => nonsense.close())
  const port = (nonsense.address() as { port: number }).port
  await using edge = await startGateway({
    routes: [
      { ...orders, timeoutMs: 60 },
      { prefix: '/products', service: 'inventory', auth: 'none', retry: 'unreached' },
    ],
    instances: {
      orders: [silent.instance],
      inventory: [{ id: 'inventory-1', host: '127.0.0.1', ports: { http: port } }],
    },
  })
  const late = await fetch(`${edge.base}/orders`)
  assert.deepEqual([late.status, await code(late)], [504, 'deadline_exceeded'])
  const odd = await fetch(`${edge.base}/products`)
  assert.deepEqual([odd.status, await code(odd)], [502, 'bad_gateway'])
})

test('a breaker opens after a run of failures and names when to come back; another route stays open', async () => {
  await using alive = await startUpstream('inventory-1')
  await using edge = await startGateway({
    routes: [orders, { prefix: '/products', service: 'inventory', auth: 'none' }],
    instances: { orders: [dead('orders-1')], inventory: [alive.instance] },
  })
  const statuses = new Set<number>()
  for (let i = 0; i < 12; i++) {
    const answer = await fetch(`${edge.base}/orders`, { method: 'POST' })
    statuses.add(answer.status)
    await answer.text()
  }
  assert.deepEqual([...statuses], [503])
  assert.equal(edge.core.gauged('breaker_state', { dependency: 'http orders' }), 2)
  assert.equal((await fetch(`${edge.base}/products`)).status, 200)
})

test('passwords that are not looked at in time shut neither introspection’s service nor its other operations', async () => {
  await using users = await startUpstream('users-1', (incoming, response) => {
    if (incoming.method === 'GET') response.end('here')
  })
  const impatient = routeList
    .parse(defaultRoutes)
    .map((route) => (route.breaker === 'route' ? { ...route, timeoutMs: 30 } : route))
  await using edge = await startGateway({ routes: impatient, instances: { users: [users.instance] } })
  const post = async (path: string) => (await fetch(`${edge.base}${path}`, { method: 'POST', body: '{}' })).status
  for (const path of ['/users', '/auth/login']) {
    const statuses = new Set<number>()
    for (let i = 0; i < 12; i++) statuses.add(await post(path))
    assert.deepEqual([...statuses], [504, 503], `${path}: late, then left alone`)
    assert.equal(edge.core.gauged('breaker_state', { dependency: `http users ${path}` }), 2)
  }
  const me = await fetch(`${edge.base}/users/me`, { headers: bearer('alice-token') })
  assert.equal(me.status, 200)
  assert.equal(edge.core.gauged('breaker_state', { dependency: 'http users' }), 0)
})

test('an instance that has no room for passwords keeps its place for everything else', async () => {
  const answering = (id: string) =>
    startUpstream(id, (incoming, response) => response.writeHead(incoming.method === 'POST' ? 503 : 200).end())
  await using first = await answering('users-1')
  await using second = await startUpstream('users-2')
  await using edge = await startGateway({ instances: { users: [first.instance, second.instance] } })
  const headers = bearer('alice-token')
  for (let i = 0; i < 40; i++) await (await fetch(`${edge.base}/users`, { method: 'POST', body: '{}' })).text()
  const before = first.seen.length
  for (let i = 0; i < 40; i++) await (await fetch(`${edge.base}/users/me`, { headers })).text()
  assert.ok(first.seen.length > before, 'it was left out')
})

test('registration and login are limited per address, whoever asks and with whatever token', async () => {
  await using users = await startUpstream('users-1')
  await using edge = await startGateway({ instances: { users: [users.instance] } })
  for (const [path, allowed] of [
    ['/users', 60],
    ['/auth/login', 120],
  ] as const) {
    const ask = (token: string) => fetch(`${edge.base}${path}`, { method: 'POST', body: '{}', headers: bearer(token) })
    const answers = await Promise.all(Array.from({ length: 130 }, (_, i) => ask(i % 2 ? 'alice-token' : 'admin-token')))
    assert.equal(answers.filter((answer) => answer.status === 200).length, allowed, path)
    const refused = answers.filter((answer) => answer.status === 429)
    assert.equal(refused.length, 130 - allowed)
    assert.ok(refused.every((answer) => Number(answer.headers.get('retry-after')) > 0))
  }
  assert.equal((await fetch(`${edge.base}/auth/refresh`, { method: 'POST', body: '{}' })).status, 200)
})

test('what a service itself refuses passes unchanged', async () => {
  const problem = { type: 'x', code: 'out_of_stock', status: 409 }
  await using refusing = await startUpstream('orders-1', (_incoming, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
  })
  await using edge = await startGateway({ routes: [orders], instances: { orders: [refusing.instance] } })
  const answer = await fetch(`${edge.base}/orders`)
  assert.equal(answer.status, 409)
  assert.deepEqual(await answer.json(), problem)
})

test('the identity provider away: 503, never allowed; what is cached goes on', async () => {
  await using alive = await startUpstream('orders-1')
  await using edge = await startGateway({
    routes: [{ ...orders, auth: 'required' }],
    instances: { orders: [alive.instance] },
  })
  edge.provider.away = true
  const refused = await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })
  assert.deepEqual([refused.status, await code(refused)], [503, 'unavailable'])
  assert.equal(alive.seen.length, 0)
  edge.provider.away = false
  assert.equal((await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })).status, 200)
  edge.provider.away = true
  assert.equal((await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })).status, 200)
})

test('too much at once is shed, and a drain finishes what is under way', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await using slow = await startUpstream('orders-1', async (_incoming, response) => {
    await held
    response.end('done')
  })
  await using edge = await startGateway({
    routes: [orders],
    settings: { requestsInFlightMax: 1 },
    instances: { orders: [slow.instance] },
  })
  const first = fetch(`${edge.base}/orders`)
  const { until } = await import('../../../platform/kit/test/core-fixture.ts')
  await until('the first is under way', () => slow.seen.length === 1)
  const second = await fetch(`${edge.base}/orders`)
  assert.deepEqual([second.status, await code(second)], [503, 'unavailable'])
  const drained = edge.running.drain(5_000)
  await assert.rejects(fetch(`${edge.base}/orders`))
  release()
  const answer = await first
  assert.equal(answer.headers.get('connection'), 'close')
  assert.equal(await answer.text(), 'done')
  await drained
  assert.equal(edge.running.inFlight(), 0)
})
