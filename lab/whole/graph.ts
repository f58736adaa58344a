/** The graph through the gateway: one question to five services, what it costs them, who may see what, what is refused. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { operations } from '@svyaz/contracts/graphql/generated/operations.ts'
import type { Answer } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { hopsOf, type Span } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { followedBySocket, type Result } from './graph-socket.ts'
import { loose } from './traces.ts'
import type { World } from './world.ts'

const askGraph = (person: Person, body: object, headers: Record<string, string> = {}): Promise<Answer<Result>> =>
  person.ask<Result>('POST', '/graphql', { body, headers })

const codes = ({ errors }: Result) => errors?.map(({ path, extensions }) => `${path?.join('.')} ${extensions.code}`)
const hashed = (text: string) => ({
  persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(text).digest('hex') },
})
const parts = ['users', 'orders', 'inventory', 'payments', 'delivery']

/** The spans of an answer, once the whole tree is there. */
const treeOf = async (w: World, answer: Answer, services: readonly string[]): Promise<Span[]> => {
  const traceId = answer.headers['x-trace-id']
  return until(`the tree of ${traceId}`, async () => {
    const { spans } = await w.telemetry<{ spans: Span[] }>(`/traces/${traceId}`)
    const whole = services.every((name) => spans.some(({ service, kind }) => service === name && kind === 'server'))
    return whole && loose(spans as never).length === 0 && spans
  })
}

/** How many statements each service sent to its database. */
const statements = (spans: readonly Span[]): Record<string, number> => {
  const sql = hopsOf(spans).filter(({ over }) => over === 'sql')
  return Object.fromEntries(parts.map((name) => [name, sql.filter(({ service }) => service === name).length]))
}

/** Asks the graph as clients do. */
export const graphScenarios = (world: () => World): void => {
  describe('the graph', () => {
    let user: Person
    let stranger: Person
    let placed: string[]
    before(async () => {
      const w = world()
      ;[user, stranger] = await Promise.all([w.register('Gina Graph'), w.register('Otto Other')])
      const product = w.product()
      const order = () => user.order({ items: [product, 'P-1001'].map((productId) => ({ productId, quantity: 1 })) })
      placed = (await Promise.all([order(), order(), order()])).map(({ id }) => id)
      for (const id of placed) await user.untilStatus(id, 'completed')
    })

    it('joins an order out of five services, each asked once, with one statement, in one trace', async () => {
      const w = world()
      const [id] = placed
      const question = { query: operations['order-at-a-glance'], variables: { id } }
      const answer = await askGraph(user, question)
      const { order } = answer.body.data
      assert.equal(answer.body.errors, undefined, JSON.stringify(answer.body.errors))
      assert.deepEqual([order.id, order.status, order.user.name], [id, 'completed', 'Gina Graph'])
      assert.equal(order.items.length, 2)
      for (const { product } of order.items) assert.ok(product.name.length > 0 && product.available >= 0)
      assert.equal(order.payment.amount.amountMinor, order.total.amountMinor)
      assert.deepEqual([order.parcel.status, order.parcel.position.progress], ['delivered', 1])

      const spans = await treeOf(w, answer, ['gateway', 'graphql', ...parts])
      const asked = hopsOf(spans).filter(
        ({ kind, over, from }) => kind === 'server' && over === 'http' && from === 'graphql',
      )
      assert.deepEqual(asked.map(({ service }) => service).sort(), [...parts].sort())
      assert.deepEqual(statements(spans), { users: 1, orders: 1, inventory: 1, payments: 1, delivery: 1 })
    })

    it('many orders cost each service as many statements as one', async () => {
      const answer = await askGraph(user, { query: operations['my-orders'] })
      assert.equal(answer.body.errors, undefined, JSON.stringify(answer.body.errors))
      const { nodes } = answer.body.data.orders
      assert.deepEqual(nodes.map((order: { id: string }) => order.id).sort(), [...placed].sort())
      for (const { payment, parcel, items } of nodes)
        assert.deepEqual([payment.status, parcel.status, items.length], ['charged', 'delivered', 2])
      const spans = await treeOf(world(), answer, ['graphql', ...parts])
      assert.deepEqual(statements(spans), { users: 1, orders: 1, inventory: 1, payments: 1, delivery: 1 })
    })

    it("what is another user's is not there, with a code, whichever way it is asked for", async () => {
      const [id] = placed
      const byOrder = await askGraph(stranger, { query: operations['order-at-a-glance'], variables: { id } })
      assert.deepEqual([byOrder.body.data, codes(byOrder.body)], [{ order: null }, ['order not_found']])
      const query = 'query($id: ID!) { user(id: $id) { email } orders(userId: $id) { nodes { id } } }'
      const byUser = await askGraph(stranger, { query, variables: { id: user.id } })
      assert.deepEqual(byUser.body.data, { user: null, orders: null })
      assert.deepEqual(codes(byUser.body)?.sort(), ['orders forbidden', 'user not_found'])
      const around = '{ me { id orders { nodes { id } } } products(first: 1) { nodes { id } } }'
      const own = await askGraph(stranger, { query: around })
      assert.deepEqual(own.body.data.me, { id: stranger.id, orders: { nodes: [] } })
      const staff = await askGraph(world().admin, { query: operations['order-at-a-glance'], variables: { id } })
      assert.equal(staff.body.data.order.user.email, user.email)
    })

    it('anybody sees the catalogue, and nothing else', async () => {
      const query = '{ products(first: 2) { nodes { id name } } me { id } orders { nodes { id } } }'
      const answer = await user.ask<Result>('POST', '/graphql', { body: { query }, token: undefined })
      assert.equal(answer.body.data.products.nodes.length, 2)
      assert.deepEqual(codes(answer.body)?.sort(), ['me unauthenticated', 'orders unauthenticated'])
      for (const { extensions, message } of answer.body.errors ?? [])
        assert.deepEqual([extensions.traceId, message.includes('.ts')], [answer.headers['x-trace-id'], false])
    })

    it('arguments are held to the contracts of REST', async () => {
      const query =
        '{ a: products(first: 101) { endCursor } b: orders(first: 0) { endCursor } c: product(id: "a/b") { id } }'
      const { body } = await askGraph(user, { query })
      assert.deepEqual(body.data, { a: null, b: null, c: null })
      assert.deepEqual(codes(body)?.sort(), ['a invalid_request', 'b invalid_request', 'c invalid_request'])
    })

    it('bombs are refused before anybody is asked', async () => {
      const deep = `{ me { ${'orders { nodes { user { '.repeat(5)} id ${'} } } '.repeat(5)} } }`
      const bombs = {
        deep,
        broad: `{ ${'me { id name email status createdAt } '.repeat(60)} }`,
        aliased: `{ me { ${Array.from({ length: 31 }, (_, at) => `a${at}: id`).join(' ')} } }`,
        roots: `{ ${Array.from({ length: 11 }, () => 'me { id }').join(' ')} }`,
        costly: '{ orders(first: 100) { nodes { user { orders(first: 100) { nodes { id status } } } } } }',
        doubling: `{ ...A0 } ${Array.from({ length: 30 }, (_, at) => `fragment A${at} on Query { ...A${at + 1} ...A${at + 1} }`).join(' ')} fragment A30 on Query { me { id } }`,
        circular: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
        long: `{ me { ${'id '.repeat(3_000)} } }`,
        directives: `{ me { id ${'@include(if: true) '.repeat(700)} } }`,
        nonsense: '{ me { ',
      }
      for (const [name, query] of Object.entries(bombs)) {
        const { status, body, headers } = await askGraph(
          user,
          { query },
          { accept: 'application/graphql-response+json' },
        )
        assert.deepEqual([name, status, body.data], [name, 400, undefined])
        assert.equal(body.errors?.[0]?.extensions.code, 'invalid_request', name)
        const { spans } = await until(`the spans of ${name}`, async () => {
          const trace = await world().telemetry<{ spans: Span[] }>(`/traces/${headers['x-trace-id']}`)
          return trace.spans.some(({ service }) => service === 'graphql') && trace
        })
        assert.ok(!spans.some(({ service }) => parts.includes(service)), name)
      }
      const { status } = await askGraph(user, { query: `{ me { id } } # ${'x'.repeat(16_400)}` })
      assert.equal(status, 400, 'longer than a document may be')
    })
    it('a document is known by its hash: registered ones at once, others once they were sent', async () => {
      const registered = await askGraph(user, { extensions: hashed(operations['my-orders']) })
      assert.equal(registered.body.data.orders.nodes.length, placed.length)
      const text = `{ me { id } } # ${user.id}`
      const unknown = await askGraph(user, { extensions: hashed(text) })
      assert.equal(unknown.body.errors?.[0]?.message, 'PersistedQueryNotFound')
      assert.equal((await askGraph(user, { query: text, extensions: hashed(text) })).body.data.me.id, user.id)
      assert.equal((await askGraph(user, { extensions: hashed(text) })).body.data.me.id, user.id)
    })

    it('on this machine the schema may be asked for, and no subgraph shows through it', async () => {
      const { body } = await askGraph(user, { query: '{ __schema { queryType { fields { name } } } }' })
      const fields = body.data.__schema.queryType.fields.map(({ name }: { name: string }) => name)
      assert.ok(fields.includes('order') && !fields.includes('_entities') && !fields.includes('_service'))
    })

    it('follows an order over a WebSocket to its end, every part of it as new as the change', async () => {
      const order = await user.order({ items: [{ productId: 'P-1001', quantity: 1 }] })
      const statuses = await followedBySocket(user, order.id)
      assertProgress(statuses)
      await assert.rejects(followedBySocket(stranger, order.id), /not_found/)
    })

    it('and as server-sent events', async () => {
      const order = await user.order({ items: [{ productId: 'P-1001', quantity: 1 }] })
      const body = JSON.stringify({ query: operations['order-progress'], variables: { id: order.id } })
      const headers = {
        authorization: `Bearer ${user.token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      }
      const response = await fetch(`${world().gateway}/graphql`, { method: 'POST', headers, body })
      assert.equal(response.headers.get('content-type'), 'text/event-stream')
      const text = await response.text()
      const results = [...text.matchAll(/^event: next\ndata: (.+)$/gm)].map(
        ([, data]) => JSON.parse(data ?? '') as Result,
      )
      assert.ok(text.endsWith('event: complete\ndata:\n\n'))
      assertProgress(results)
    })

    it('a service that is away costs its fields and no more; back again, nothing is missing', async () => {
      const question = { query: operations['order-at-a-glance'], variables: { id: placed[0] } }
      await world().system.stop('delivery')
      try {
        const { status, body } = await askGraph(user, question)
        assert.equal(status, 200)
        assert.deepEqual([body.data.order.parcel, codes(body)], [null, ['order.parcel unavailable']])
        assert.equal(body.data.order.user.name, 'Gina Graph')
      } finally {
        await world().system.start('delivery')
      }
      await until('the parcel to be there again', async () => (await askGraph(user, question)).body.data.order.parcel)
    })

    it('is answered again after its own process was killed', async () => {
      await world().kill('graphql')
      await until(
        'an answer',
        async () => (await askGraph(user, { query: '{ me { id } }' })).body.data?.me?.id === user.id,
      )
    })
  })
}

const assertProgress = (results: readonly Result[]): void => {
  const seen = results.map(({ data }) => data.orderChanged)
  assert.ok(seen.length >= 1)
  const versions = seen.map(({ version }) => Number(version))
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
  // A version may come twice when a payment or parcel of it has changed, but nothing comes twice.
  const texts = seen.map((order) => JSON.stringify(order))
  assert.deepEqual(texts, [...new Set(texts)])
  const last = seen.at(-1)
  assert.deepEqual([last.status, last.payment.status, last.parcel.status], ['completed', 'charged', 'delivered'])
}
