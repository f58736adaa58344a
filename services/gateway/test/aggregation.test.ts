/** One answer of five services: what it asks of whom, and what it says when one of them is away, slow or talks nonsense. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { Instance } from '@svyaz/kit'
import { gatewayLimits } from '../src/config.ts'
import { defaultRoutes, type RouteInput, routeList } from '../src/routes.ts'
import { alice, bearer, startGateway, startUpstream, type Upstream } from './gateway-fixture.ts'

const order = { id: 'o-1', userId: alice.userId, items: [{ productId: 'P-1' }, { productId: 'P-2' }] }
const data: Record<string, unknown> = {
  '/orders/o-1': order,
  '/orders?userId=me&limit=2': [order, { ...order, id: 'o-2' }],
  [`/users/${alice.userId}`]: { id: alice.userId, name: 'Alice' },
  '/products/P-1': { id: 'P-1' },
  '/products/P-2': { id: 'P-2' },
  '/payments?orderId=o-1': [{ status: 'charged' }],
  '/payments?orderId=o-2': [],
  '/deliveries?orderId=o-1': [{ status: 'shipped', trackingNumber: 'T', position: {}, userId: alice.userId }],
  '/deliveries?orderId=o-2': [],
}

const names = ['orders', 'users', 'inventory', 'payments', 'delivery'] as const
type Name = (typeof names)[number]

/** The five services, each as it should be but for what `odd` makes of it. */
const startServices = async (odd: Partial<Record<Name, (response: ServerResponse) => void>> = {}) => {
  const stack = new AsyncDisposableStack()
  const services = {} as Record<Name, Upstream>
  for (const name of names)
    services[name] = stack.use(
      await startUpstream(`${name}-1`, (request, response) => {
        const broken = odd[name]
        if (broken !== undefined) return broken(response)
        const value = data[request.url ?? '']
        response.setHeader('content-type', 'application/json')
        if (request.url?.startsWith('/orders?')) response.setHeader('link', '</orders?userId=me&cursor=c>; rel="next"')
        response.writeHead(value === undefined ? 404 : 200).end(JSON.stringify(value ?? { code: 'not_found' }))
      }),
    )
  const instances: Record<string, Instance[]> = Object.fromEntries(
    names.map((name) => [name, [services[name].instance]]),
  )
  return { services, instances, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const impatient = routeList
  .parse(defaultRoutes)
  .map((route): RouteInput => (route.aggregate === undefined ? route : { ...route, timeoutMs: 400 }))
const ask = async (base: string, path: string) => {
  const answer = await fetch(base + path, { headers: bearer('alice-token') })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
}

test('an order with all that is known of it, asked for its user, each path once', async () => {
  await using all = await startServices()
  await using edge = await startGateway({ instances: all.instances })
  const { status, body, headers } = await ask(edge.base, '/orders/o-1/details')
  assert.equal(status, 200)
  assert.deepEqual(body, {
    order,
    user: { id: alice.userId, name: 'Alice' },
    products: [{ id: 'P-1' }, { id: 'P-2' }],
    payment: { status: 'charged' },
    delivery: { status: 'shipped', trackingNumber: 'T', position: {}, userId: alice.userId },
    parcels: [{ status: 'shipped', trackingNumber: 'T', position: {} }],
    incomplete: [],
  })
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(all.services.delivery.seen.length, 1)
  for (const name of ['orders', 'users', 'payments', 'delivery'] as const) {
    const caller = await edge.callerAt(name, all.services[name].seen[0]?.headers.authorization)
    assert.deepEqual(caller, { kind: 'user', userId: alice.userId, roles: ['user'] }, name)
  }
})

test('a page of orders: parts for each, a user and a product asked for once, and a link to the next', async () => {
  await using all = await startServices()
  await using edge = await startGateway({ instances: all.instances })
  const { status, body, headers } = await ask(edge.base, '/orders/details?userId=me&limit=2')
  assert.equal(status, 200)
  const page = body as unknown as { order: { id: string }; payment: unknown; incomplete: string[] }[]
  assert.deepEqual(
    page.map(({ order: { id }, payment, incomplete }) => [id, payment, incomplete]),
    [
      ['o-1', { status: 'charged' }, []],
      ['o-2', null, []],
    ],
  )
  assert.equal(headers.get('link'), '</orders/details?userId=me&cursor=c>; rel="next"')
  assert.deepEqual(
    names.map((name) => all.services[name].seen.length),
    [1, 1, 2, 2, 2],
  )
  assert.equal((await ask(edge.base, '/orders/details?userId=me&limit=21')).status, 400)
})

const oddities: Record<string, ((response: ServerResponse) => void) | undefined> = {
  'is away': undefined,
  'breaks the connection': (response: ServerResponse) => void response.destroy(),
  'answers 500': (response: ServerResponse) => void response.writeHead(500).end(),
  'is silent': () => undefined,
  'answers nonsense': (response: ServerResponse) => void response.end('<html>'),
  'answers 409': (response: ServerResponse) => void response.writeHead(409).end('{}'),
  'stalls in its body': (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).write('['),
  'drips its body': (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const dripping = setInterval(() => response.write(' '), 20)
    response.once('close', () => clearInterval(dripping))
  },
  'breaks off': (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '100' }).write('[')
    setImmediate(() => response.destroy())
  },
}
for (const [how, odd] of Object.entries(oddities))
  test(`a part whose service ${how} is named, and the rest is answered in time`, async () => {
    await using all = await startServices(odd === undefined ? {} : { payments: odd })
    if (odd === undefined) await all.services.payments[Symbol.asyncDispose]()
    await using edge = await startGateway({ routes: impatient, instances: all.instances })
    const { status, body } = await ask(edge.base, '/orders/o-1/details')
    assert.equal(status, 200)
    assert.deepEqual([body.payment, body.incomplete], [null, ['payment']])
    assert.deepEqual(body.products, [{ id: 'P-1' }, { id: 'P-2' }])
    assert.equal(edge.core.counted('gateway_parts_missed_total'), 1)
  })

test('an order whose body stalls is late, not endless', async () => {
  await using all = await startServices({
    orders: (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
  })
  await using edge = await startGateway({ routes: impatient, instances: all.instances })
  assert.equal((await ask(edge.base, '/orders/o-1/details')).status, 504)
  assert.equal(edge.core.gauged('gateway_requests_in_flight'), 0)
})

/** Twenty orders of fifty lines, no two of the same product. */
const many = Array.from({ length: 20 }, (_, at) => ({
  id: `o-${at}`,
  userId: alice.userId,
  items: Array.from({ length: 50 }, (_, line) => ({ productId: `P-${at}-${line}` })),
}))

test('a page that would be a thousand questions asks what it may, and names what it has not asked', async () => {
  await using all = await startServices()
  data['/orders?userId=me'] = many
  await using edge = await startGateway({ instances: all.instances })
  const { status, body, headers } = await ask(edge.base, '/orders/details?userId=me')
  assert.equal(status, 200)
  const page = body as unknown as { products: unknown[]; incomplete: string[] }[]
  assert.deepEqual(page[0]?.incomplete, [])
  assert.deepEqual(page.at(-1)?.incomplete, ['products', 'payment', 'delivery', 'parcels'])
  const asked = names.reduce((sum, name) => sum + all.services[name].seen.length, 0)
  assert.equal(asked, 1 + gatewayLimits.aggregate.questionsMax)
  // 200 questions, the first ten of them paid for by the request itself.
  assert.match(headers.get('ratelimit') ?? '', /r=80\b/)
  for (let i = 0; i < 4; i++) assert.equal((await ask(edge.base, '/orders/details?userId=me')).status, 200)
  assert.equal((await ask(edge.base, '/orders/details?userId=me')).status, 429, 'a hundred requests were paid for')
})

test('questions take places of their own: beyond a bulkhead a part is named, not waited for', async () => {
  await using all = await startServices()
  data['/orders?userId=me'] = many.slice(0, 1)
  const routes = routeList
    .parse(defaultRoutes)
    .map((route): RouteInput => (route.service === 'inventory' ? { ...route, inFlightMax: 3 } : route))
  await using edge = await startGateway({ routes, instances: all.instances })
  const { body } = await ask(edge.base, '/orders/details?userId=me')
  const [one] = body as unknown as { incomplete: string[] }[]
  assert.deepEqual(one?.incomplete, ['products'])
  assert.equal(edge.core.gauged('gateway_requests_in_flight'), 0)
})

test('without the order there is no answer: what orders says, or that it is away', async () => {
  await using all = await startServices()
  await using edge = await startGateway({ instances: all.instances })
  assert.equal((await ask(edge.base, '/orders/unknown/details')).status, 404)
  await all.services.orders[Symbol.asyncDispose]()
  assert.equal((await ask(edge.base, '/orders/o-1/details')).status, 503)
  const anonymous = await fetch(`${edge.base}/orders/o-1/details`)
  assert.equal(anonymous.status, 401)
})

test('routes that could not be put together are refused where they are wrong', () => {
  const whole = { root: { name: 'order', path: '/orders/{id}' }, parts: {} }
  const good: RouteInput = {
    prefix: '/a/{id}',
    exact: true,
    methods: ['GET'],
    service: 'orders',
    auth: 'none',
    aggregate: whole,
  }
  assert.equal(routeList.safeParse([good]).success, true)
  const { aggregate: _, ...plain } = good
  const { exact: __, ...wide } = good
  for (const wrong of [plain, wide, { ...good, methods: ['GET', 'POST'] as ['GET', 'POST'] }]) {
    const { error } = routeList.safeParse([wrong])
    assert.deepEqual(error?.issues[0]?.path, [0, 'aggregate'])
  }
})
