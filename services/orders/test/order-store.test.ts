import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import type { Order } from '../src/domain.ts'
import { migrations } from '../src/storage/migrations.ts'
import { PostgresOrderStore } from '../src/storage/postgres.ts'
import type { OrdersSchema } from '../src/storage/schema.ts'
import type { Decide } from '../src/storage.ts'
import { createIn, eventOf, orderOf, orderStoreSuite } from './order-store.suite.ts'

await using closing = new AsyncDisposableStack()
const cleanUp = closing.move()
after(() => cleanUp.disposeAsync())

orderStoreSuite('PostgreSQL', async () => {
  const postgres = cleanUp.use(await startTestPostgres())
  const url = await postgres.database('orders')
  const open = async () => {
    const database = await openDatabase<OrdersSchema>(testCore({ service: 'orders' }), { url, migrations })
    cleanUp.defer(() => database.close())
    return new PostgresOrderStore(database, { monotonic: () => performance.now() })
  }
  return { store: await open(), another: await open() }
})

describe('orders in PostgreSQL, several at once', () => {
  const openOne = async () => {
    const postgres = cleanUp.use(await startTestPostgres())
    const url = await postgres.database('orders')
    const database = await openDatabase<OrdersSchema>(testCore({ service: 'orders' }), { url, migrations })
    cleanUp.defer(() => database.close())
    return { database, store: new PostgresOrderStore(database, { monotonic: () => performance.now() }) }
  }
  const next = (order: Order): Order => ({ ...order, version: order.version + 1 })
  const saying =
    (type: string): Decide =>
    (order) => ({ order: next(order), events: [eventOf(order, type)] })
  const typesOf = async (store: PostgresOrderStore, { id }: Order) =>
    (await store.pending(1_000)).filter(({ key }) => key === id).map(({ type }) => type)

  test('decisions of a transaction build on each other, each cause once; undone, they leave nothing', async () => {
    const { database, store } = await openOne()
    const [one, two] = [orderOf(randomUUID()), orderOf(randomUUID())]
    for (const order of [one, two]) await createIn(store, order)
    const changes = [
      { orderId: two.id, causeEventId: 'c1', decide: saying('order.changed') },
      { orderId: one.id, causeEventId: 'c2', decide: saying('order.processing') },
      { orderId: one.id, causeEventId: 'c3', decide: saying('order.paid') },
      { orderId: one.id, causeEventId: 'c2', decide: saying('order.shipped') },
      { orderId: randomUUID(), causeEventId: 'c4', decide: saying('order.paid') },
      { orderId: 'nope', causeEventId: 'c5', decide: saying('order.paid') },
    ]
    await assert.rejects(
      database.transaction(async (tx) => {
        await store.inTransaction.change(tx, changes)
        throw new Error('undone')
      }),
      /undone/,
    )
    assert.deepEqual([(await store.get(one.id))?.version, await typesOf(store, one)], [1, ['order.created']])
    const results = await database.transaction((tx) => store.inTransaction.change(tx, changes))
    assert.deepEqual(
      results.map((result) => result?.applied),
      [true, true, true, false, undefined, undefined],
    )
    assert.deepEqual([(await store.get(one.id))?.version, (await store.get(two.id))?.version], [3, 2])
    assert.deepEqual(await typesOf(store, one), ['order.created', 'order.processing', 'order.paid'])
    assert.deepEqual(await typesOf(store, two), ['order.created', 'order.changed'])
  })

  test('orders that are placed at once are one statement, and a taken key among them is nobody else’s trouble', async () => {
    const { database, store } = await openOne()
    const user = randomUUID()
    await createIn(store, orderOf(user), 'taken')
    const placed = await Promise.all([
      ...Array.from({ length: 6 }, () => createIn(store, orderOf(randomUUID()))),
      createIn(store, orderOf(user), 'taken'),
    ])
    assert.deepEqual(
      placed.map(({ fresh }) => fresh),
      [true, true, true, true, true, true, false],
    )
    const { rows } = await sql<{ orders: string; transactions: string; events: string }>`
      SELECT count(*) AS orders, count(DISTINCT xmin::text) AS transactions,
        (SELECT count(*) FROM svyaz_outbox) AS events FROM orders`.execute(database.query)
    assert.deepEqual(rows, [{ orders: '7', transactions: '2', events: '7' }])
  })

  test('events that an older version left in documents are sent, in their order and once', async () => {
    const { database, store } = await openOne()
    const order = orderOf(randomUUID())
    await createIn(store, order)
    const left = ['order.changed', 'order.processing'].map((type) => eventOf(order, type))
    await sql`UPDATE orders SET pending_since = now(),
      document = jsonb_set(document, '{pending}', ${JSON.stringify(left)}::jsonb)`.execute(database.query)
    store.startOver()
    const { id: _, ...first } = left[0]!
    const pending = await store.pending(10)
    assert.deepEqual(
      pending.map(({ type }) => type),
      ['order.created', 'order.changed', 'order.processing'],
    )
    assert.deepEqual({ ...pending[1], id: undefined }, { ...first, id: undefined })
    await store.markSent(pending)
    store.startOver()
    assert.deepEqual(await store.pending(10), [])
    await store.change(order.id, 'cause', (now) => ({ order: next(now), events: [] }))
    assert.deepEqual(await store.pending(10), [])
  })
})
