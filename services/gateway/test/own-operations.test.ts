/** What the gateway answers itself, with services behind that are stood in for by the type of their gRPC clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { getRoutesInForce } from '@svyaz/contracts/http/gateway.ts'
import type { BulkRestockRequest } from '@svyaz/contracts/proto/generated/inventory.ts'
import type { OrderResponse } from '@svyaz/contracts/proto/generated/orders.ts'
import { Failure, type GrpcCallOptions, type GrpcClients, type SettingsOrigin } from '@svyaz/kit'
import { until } from '../../../platform/kit/test/core-fixture.ts'
import { defaultRoutes, routeList } from '../src/routes.ts'
import { admin, alice, bearer, startGateway } from './gateway-fixture.ts'

const orderId = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'
const orderAt = (version: number, status: string): OrderResponse => ({
  id: orderId,
  userId: alice.userId,
  status,
  items: [{ productId: 'P-1001', quantity: 2, name: 'Lamp', unitPrice: { amountMinor: 4990, currency: 'EUR' } }],
  total: { amountMinor: 9980, currency: 'EUR' },
  version,
  createdAt: '2026-11-21T10:00:00.000Z',
  updatedAt: '2026-11-21T10:00:01.000Z',
  reason: '',
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
})

type Follow = (request: { id: string }, options: GrpcCallOptions) => AsyncIterable<OrderResponse>
const ordersWith =
  (followOrder: Follow) =>
  (service: string): GrpcClients => {
    assert.equal(service, 'orders')
    return { client: () => ({ followOrder }) as never }
  }
const follow = (base: string, id = orderId) => fetch(`${base}/orders/${id}/follow`, { headers: bearer('alice-token') })

test('following an order: one event a change, as REST shows it, until it is final', async () => {
  const asked: unknown[] = []
  await using edge = await startGateway({
    grpc: ordersWith(async function* (request, { onBehalfOf }) {
      asked.push(request, onBehalfOf)
      yield orderAt(1, 'pending')
      yield orderAt(2, 'completed')
    }),
  })
  const answer = await follow(edge.base)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const events = (await answer.text()).trim().split('\n\n')
  assert.equal(events.length, 2)
  const [event, id, data] = events[1]!.split('\n')
  assert.deepEqual([event, id], ['event: order', 'id: 2'])
  const { reason, ...rest } = orderAt(2, 'completed')
  assert.equal(reason, '')
  assert.deepEqual(JSON.parse(data!.slice('data: '.length)), { ...rest, totalPrice: 99.8 })
  assert.deepEqual(asked, [{ id: orderId }, alice])
})

test('who comes back with Last-Event-ID gets what is new; nothing more to come is 204', async () => {
  const stories: Record<string, [number, string][]> = {
    finished: [[2, 'completed']],
    moving: [
      [2, 'paid'],
      [3, 'completed'],
    ],
  }
  let story = 'finished'
  await using edge = await startGateway({
    grpc: ordersWith(async function* () {
      for (const [version, status] of stories[story]!) yield orderAt(version, status as 'paid')
    }),
  })
  const resume = async (lastEventId: string) => {
    const headers = { ...bearer('alice-token'), 'last-event-id': lastEventId }
    const answer = await fetch(`${edge.base}/orders/${orderId}/follow`, { headers })
    const ids = [...(await answer.text()).matchAll(/^id: (\d+)$/gm)].map((match) => match[1])
    return [answer.status, ...ids]
  }
  assert.deepEqual(await resume('2'), [204])
  assert.deepEqual(await resume('1'), [200, '2'])
  assert.deepEqual(await resume('99'), [200, '2'], 'an id from elsewhere is not a reason to be silent')
  assert.deepEqual(await resume('1e9'), [200, '2'])
  story = 'moving'
  assert.deepEqual(await resume('2'), [200, '3'])
})

test("another user's order is a 404, not an empty stream; an id of another form too, and a wrong method is 405", async () => {
  await using edge = await startGateway({
    // biome-ignore lint/correctness/useYield: it fails before the first value
    grpc: ordersWith(async function* () {
      throw new Failure('not_found', 'there is no such order')
    }),
  })
  assert.equal((await follow(edge.base)).status, 404)
  assert.equal((await follow(edge.base, 'seven')).status, 404)
  const posted = await fetch(`${edge.base}/orders/${orderId}/follow`, { method: 'POST' })
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, OPTIONS'])
  assert.equal((await fetch(`${edge.base}/orders/${orderId}/follow`)).status, 401)
})

/** Yields once, then waits for the abort; says when it saw it. */
const endless = () => {
  const state = { ended: false }
  const stream: Follow = async function* (_request, { signal }) {
    yield orderAt(1, 'pending')
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    state.ended = true
    throw new Failure('unavailable', 'cancelled')
  }
  return { state, stream }
}

test('the stream ends when the client leaves, when its user is blocked or signs out, and at shutdown', async () => {
  for (const reason of ['leaves', 'blocked', 'signed out', 'shutdown']) {
    const { state, stream } = endless()
    await using edge = await startGateway({ grpc: ordersWith(stream) })
    const leaving = new AbortController()
    const answer = await fetch(`${edge.base}/orders/${orderId}/follow`, {
      headers: bearer('alice-token'),
      signal: leaving.signal,
    })
    const reader = answer.body!.getReader()
    assert.match(new TextDecoder().decode((await reader.read()).value), /event: order/)
    if (reason === 'leaves') {
      leaving.abort()
      await assert.rejects(reader.read())
    } else {
      if (reason === 'blocked') edge.gateway.userBlocked(alice.userId)
      else if (reason === 'signed out') edge.gateway.userSignedOut(alice.userId)
      else await edge.running.drain(5_000)
      assert.equal((await reader.read()).done, true)
    }
    await until(`the call behind ended: ${reason}`, () => state.ended)
    await until('nothing is in flight', () => edge.running.inFlight() === 0)
  }
})

test('a client that leaves at a bad moment keeps no place: before the stream is opened, while it opens, later', async () => {
  const held = Promise.withResolvers<void>()
  const deaf: Follow = async function* () {
    yield orderAt(1, 'pending')
    // Hears of no abort.
    await new Promise(() => undefined)
  }
  let asked = 0
  await using edge = await startGateway({
    grpc: ordersWith(deaf),
    parts: {
      async introspect(token) {
        asked++
        if (token === 'slow') await held.promise
        return alice
      },
    },
  })
  const leave = async (token: string, wait: () => Promise<void>) => {
    const leaving = new AbortController()
    const answer = fetch(`${edge.base}/orders/${orderId}/follow`, { headers: bearer(token), signal: leaving.signal })
    const outcome = answer.then((begun) => begun.text()).catch(() => 'left')
    await wait()
    leaving.abort()
    assert.equal(await outcome, 'left')
  }
  for (let i = 0; i < 3; i++) {
    const before = asked
    await leave('slow', () => until('its token is looked at', () => asked > before || edge.running.inFlight() > i))
  }
  for (let i = 0; i < 3; i++) await leave('alice-token', () => until('it is there', () => edge.running.inFlight() > 0))
  // What these left behind, the gateway has seen by now.
  assert.equal((await fetch(`${edge.base}/health`)).status, 200)
  held.resolve()
  await until('nothing is in flight', () => edge.running.inFlight() === 0)
  await edge.running.drain(5_000)
})

test('a failure within the stream is its last event', async () => {
  await using edge = await startGateway({
    grpc: ordersWith(async function* () {
      yield orderAt(1, 'pending')
      throw new Failure('unavailable', 'orders went away')
    }),
  })
  const text = await (await follow(edge.base)).text()
  const last = text.trim().split('\n\n').at(-1)!
  assert.match(last, /^event: problem\ndata: /)
  assert.equal(JSON.parse(last.split('data: ')[1]!).code, 'unavailable')
})

test('restocking in bulk streams the lines under a batch of the admin and the key', async () => {
  const lines: BulkRestockRequest[] = []
  await using edge = await startGateway({
    grpc: (service) => {
      assert.equal(service, 'inventory')
      return {
        client: () =>
          ({
            async bulkRestock(requests: AsyncIterable<BulkRestockRequest>) {
              for await (const line of requests) lines.push(line)
              return { lines: 2, units: 5, unknownProductIds: ['P-9999'] }
            },
          }) as never,
      }
    },
  })
  const restock = (token: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${edge.base}/products/restock`, {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json', 'idempotency-key': 'k1', ...headers },
      body: JSON.stringify(body),
    })
  const items = [
    { productId: 'P-1001', quantity: 5 },
    { productId: 'P-9999', quantity: 1 },
  ]
  const answer = await restock('admin-token', { items })
  assert.deepEqual([answer.status, await answer.json()], [200, { lines: 2, units: 5, unknown: ['P-9999'] }])
  const batchId = `${admin.userId}:k1`
  assert.deepEqual(
    lines,
    items.map((item, index) => ({ batchId, lineNumber: index + 1, ...item })),
  )
  assert.equal((await restock('alice-token', { items })).status, 403)
  assert.equal((await restock('admin-token', { items }, { 'content-type': 'text/plain' })).status, 415)
  const faulty = (await (
    await restock('admin-token', { items: [{ productId: 'x', quantity: -1 }], price: 1 })
  ).json()) as Problem
  assert.deepEqual(faulty.errors?.map((fault) => fault.pointer).sort(), ['/items/0/quantity', '/price'])
  const deep = await fetch(`${edge.base}/products/restock`, {
    method: 'POST',
    headers: { ...bearer('admin-token'), 'content-type': 'application/json', 'idempotency-key': 'k1' },
    body: `{"items":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
  })
  assert.deepEqual([deep.status, ((await deep.json()) as Problem).code], [400, 'invalid_json'])
  const large = await restock('admin-token', { items, padding: 'x'.repeat(1024 * 1024) })
  assert.equal(large.status, 413)
  assert.equal(lines.length, 2)
})

test('an admin reads which routes and limits hold, from where, and what was refused', async () => {
  const refused = {
    from: 'config service',
    version: '8',
    at: '2026-11-26T10:00:00.000Z',
    faults: [{ pointer: '/routes/3/timeoutMs', detail: 'Too small: expected number to be >=10' }],
  } as const
  const origin: SettingsOrigin = {
    from: 'config service',
    version: '7',
    at: '2026-11-26T09:00:00.000Z',
    sources: { userRequestsPerMinute: 'gateway/embedded' },
    refused,
  }
  await using edge = await startGateway({ settings: { userRequestsPerMinute: 300 }, origin: () => origin })
  const ask = (token: string) => fetch(`${edge.base}/admin/gateway/routes`, { headers: bearer(token) })
  const answer = await ask('admin-token')
  assert.equal(answer.status, 200)
  const said = getRoutesInForce.reply.parse(await answer.json())
  assert.deepEqual(
    [said.from, said.version, said.since, said.redis, said.refused],
    ['config service', '7', origin.at, 'none', refused],
  )
  assert.deepEqual(
    said.settings.find(({ name }) => name === 'userRequestsPerMinute'),
    { name: 'userRequestsPerMinute', value: 300, source: 'gateway/embedded' },
  )
  assert.equal(said.routesSource, 'defaults')
  assert.deepEqual(said.routes, JSON.parse(JSON.stringify(routeList.parse(defaultRoutes))))
  assert.equal((await ask('alice-token')).status, 403)
  assert.equal((await fetch(`${edge.base}/admin/gateway/routes`)).status, 401)
})
