/** Proxying as a client and a service see it, over real sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { alice, bearer, startGateway, startUpstream } from './gateway-fixture.ts'

test('a request reaches the service of its route with a token of the user, and the answer comes back', async () => {
  await using orders = await startUpstream('orders-1', (_request, response, body) => {
    response.writeHead(201, { 'content-type': 'application/json', etag: '"1"', location: '/orders/7', server: 'inner' })
    response.end(JSON.stringify({ got: JSON.parse(body) }))
  })
  await using edge = await startGateway({ instances: { orders: [orders.instance] } })
  const answer = await fetch(`${edge.base}/orders?x=1&y=%20a`, {
    method: 'POST',
    headers: { ...bearer('alice-token'), 'content-type': 'application/json', 'idempotency-key': 'k1' },
    body: '{"items":[1]}',
  })
  assert.equal(answer.status, 201)
  assert.deepEqual(await answer.json(), { got: { items: [1] } })
  assert.equal(answer.headers.get('etag'), '"1"')
  assert.equal(answer.headers.get('location'), '/orders/7')
  assert.equal(answer.headers.get('server'), null)
  assert.match(answer.headers.get('x-trace-id') ?? '', /^[0-9a-f]{32}$/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.headers.get('ratelimit-policy'), '"user";q=100;w=60')
  assert.match(answer.headers.get('ratelimit') ?? '', /^"user";r=99;t=\d+$/)
  const [seen] = orders.seen
  assert.equal(seen?.url, '/orders?x=1&y=%20a')
  assert.equal(seen?.headers['idempotency-key'], 'k1')
  assert.equal(seen?.headers['x-svyaz-deadline-ms'] !== undefined, true)
  assert.deepEqual(await edge.callerAt('orders', seen?.headers.authorization), {
    kind: 'user',
    userId: alice.userId,
    roles: ['user'],
  })
})

test('an anonymous request to a public route carries the token of the gateway itself', async () => {
  await using inventory = await startUpstream('inventory-1')
  await using edge = await startGateway({ instances: { inventory: [inventory.instance] } })
  const answer = await fetch(`${edge.base}/products/P-1001`)
  assert.equal(answer.status, 200)
  assert.deepEqual(await edge.callerAt('inventory', inventory.seen[0]?.headers.authorization), {
    kind: 'service',
    service: 'gateway',
  })
  assert.deepEqual(edge.asked, [])
})

test('an unknown path, a missing method, a missing token, a bad token and a missing role are problems', async () => {
  await using inventory = await startUpstream('inventory-1')
  await using edge = await startGateway({
    instances: { inventory: [inventory.instance], orders: [inventory.instance] },
  })
  const cases = [
    ['GET', '/nothing', {}, 404, 'not_found', undefined],
    ['PUT', '/auth/login', {}, 405, 'method_not_allowed', undefined],
    ['GET', '/orders', {}, 401, 'unauthenticated', 'Bearer realm="svyaz"'],
    ['GET', '/orders', bearer('stranger'), 401, 'unauthenticated', 'Bearer realm="svyaz", error="invalid_token"'],
    ['GET', '/products', bearer('stranger'), 401, 'unauthenticated', 'Bearer realm="svyaz", error="invalid_token"'],
    [
      'POST',
      '/products/P-1/restock',
      bearer('alice-token'),
      403,
      'forbidden',
      'Bearer realm="svyaz", error="insufficient_scope"',
    ],
  ] as const
  for (const [method, path, headers, status, code, challenge] of cases) {
    const answer = await fetch(edge.base + path, { method, headers })
    const problem = (await answer.json()) as Problem
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual([answer.status, problem.code, problem.status], [status, code, status], `${method} ${path}`)
    assert.equal(problem.traceId, answer.headers.get('x-trace-id'))
    assert.equal(answer.headers.get('www-authenticate') ?? undefined, challenge)
  }
  assert.equal(inventory.seen.length, 0)
  const allowed = await fetch(`${edge.base}/auth/login`, { method: 'PUT' })
  assert.equal(allowed.headers.get('allow'), 'POST, OPTIONS')
})
