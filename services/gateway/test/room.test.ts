/** How much of a route there may be at a time, and what goes first when the gateway doesn't keep up: as data of the route. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import type { RouteInput } from '../src/routes.ts'
import { startGateway, startUpstream } from './gateway-fixture.ts'

const status = async (url: string) => {
  const answer = await fetch(url)
  await answer.text()
  return answer.status
}

test('a bulkhead keeps one route from taking the places of others, and gives its own back', async () => {
  const held = Promise.withResolvers<void>()
  await using orders = await startUpstream('orders-1', async (request, response) => {
    if (request.url === '/slow') await held.promise
    response.end()
  })
  const routes: RouteInput[] = [
    { prefix: '/slow', service: 'orders', auth: 'none', inFlightMax: 2 },
    { prefix: '/quick', service: 'orders', auth: 'none' },
  ]
  await using edge = await startGateway({ routes, instances: { orders: [orders.instance] } })
  const both = [status(`${edge.base}/slow`), status(`${edge.base}/slow`)]
  await until('both are under way', () => orders.seen.length === 2)
  const third = await fetch(`${edge.base}/slow`)
  assert.deepEqual([third.status, third.headers.get('retry-after')], [503, '1'])
  assert.equal(await status(`${edge.base}/quick`), 200)
  assert.equal(edge.core.counted('gateway_shed_total', { why: 'share' }), 1)
  held.resolve()
  assert.deepEqual(await Promise.all(both), [200, 200])
  assert.equal(await status(`${edge.base}/slow`), 200)
})

test('while the gateway is late, what may be shed is refused and the rest goes on', async () => {
  await using orders = await startUpstream('orders-1')
  const routes: RouteInput[] = [
    { prefix: '/report', service: 'orders', auth: 'none', shedAtDelayMs: 100 },
    { prefix: '/orders', service: 'orders', auth: 'none' },
  ]
  const delay = { ms: 100 }
  await using edge = await startGateway({ routes, instances: { orders: [orders.instance] }, parts: { delay } })
  assert.equal(await status(`${edge.base}/report`), 200)
  delay.ms = 101
  assert.equal(await status(`${edge.base}/report`), 503)
  assert.equal(await status(`${edge.base}/orders`), 200)
  assert.equal(edge.core.counted('gateway_shed_total', { why: 'late' }), 1)
  delay.ms = 0
  assert.equal(await status(`${edge.base}/report`), 200)
})
