/** When a reservation is made, against a real database: by that database's clock, whatever the process's says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Context } from '@svyaz/kit'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { type DatabaseTime, movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { type Settings, settings } from '../src/config.ts'
import { subscriptions } from '../src/events.ts'
import { migrations } from '../src/migrations.ts'
import { type Asked, applyInputs, reserveDue } from '../src/reservations.ts'
import { type InventorySchema, seedCatalogue } from '../src/storage.ts'

const windowMs = 60_000
const hourMs = 3_600_000
const closing = new AsyncDisposableStack()
let context: Context<Settings, InventorySchema>
let time: DatabaseTime
let jumped = 0
/** Types and keys of the events said, a list for each call. */
const said: string[][] = []
before(async () => {
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'inventory' })
  time = closing.use(await movableTime(await postgres.database('inventory')))
  const database = await openDatabase<InventorySchema>(core, { url: time.url, migrations })
  closing.defer(() => database.close())
  await seedCatalogue(database)
  const now = () => time.now() + jumped
  context = {
    ...core,
    clock: { ...core.clock, now, iso: () => new Date(now()).toISOString() },
    database,
    settings: { current: () => settings.parse({}), onChange: () => undefined },
    outbox: {
      add: async (_tx: unknown, ...events: { type: string; key: string }[]) =>
        void said.push(events.map(({ type, key }) => `${type} ${key}`)),
      wake: () => undefined,
    },
  } as unknown as Context<Settings, InventorySchema>
})
after(() => closing.disposeAsync())

const stateOf = async (orderId: string) => {
  const { query } = context.database
  const row = await query.selectFrom('reservations').select('state').where('order_id', '=', orderId).executeTakeFirst()
  return row?.state
}
const itemsAsked = (orderId: string, items: { productId: string; quantity: number }[], waitMs: number): Asked => ({
  orderId,
  input: { type: 'items', orderId, itemsVersion: 1, items, waitMs },
  traceparent: undefined,
})
/** Reserves what is due by now. */
const round = () => reserveDue(context)
const order = (waitMs: number) => {
  const orderId = context.ids.uuid()
  const items = [{ productId: 'P-1001', quantity: 1 }]
  const taken = context.database.transaction((tx) => applyInputs(context, tx, [itemsAsked(orderId, items, waitMs)]))
  return taken.then(() => orderId)
}

for (const [name, jump] of [
  ['forward and back', hourMs],
  ['back and forward', -hourMs],
] as const)
  test(`a clock of inventory that goes an hour ${name} makes no reservation early or late`, async () => {
    const before = await order(windowMs)
    jumped = jump
    const during = await order(windowMs)
    assert.equal(await stateOf(await order(0)), 'reserved', 'without a change window, at once')
    for (const at of [jump, 0, jump]) {
      jumped = at
      await round()
      assert.deepEqual([await stateOf(before), await stateOf(during)], ['waiting', 'waiting'])
    }
    await time.pass(windowMs)
    await round()
    assert.deepEqual([await stateOf(before), await stateOf(during)], ['reserved', 'reserved'])
    jumped = 0
  })

test('what is left of the change window is taken from the order alone: orders may have a clock of its own', async () => {
  let woken = 0
  const created = subscriptions(context, () => woken++)[0]!.on['order.created'] as unknown as (
    message: object,
    tx: object,
  ) => Promise<void>
  for (const apart of [0, hourMs, -hourMs]) {
    const orderId = context.ids.uuid()
    const at = Date.now() + apart
    const data = {
      orderId,
      itemsVersion: 1,
      items: [{ productId: 'P-1001', quantity: 1 }],
      at: new Date(at).toISOString(),
      reserveAt: new Date(at + windowMs).toISOString(),
    }
    await context.database.transaction((tx) => created({ data }, tx))
    await round()
    assert.equal(await stateOf(orderId), 'waiting')
    await time.pass(windowMs)
    await round()
    assert.equal(await stateOf(orderId), 'reserved')
  }
  assert.equal(woken, 3, 'the worker is told of each that waits')
})

test('a round says when the next window is over, so that nobody has to keep looking', async () => {
  await context.database.query.deleteFrom('reservations').execute()
  assert.deepEqual(await round(), { done: 0, dueInMs: undefined })
  await order(windowMs)
  await time.pass(windowMs - 300)
  assert.deepEqual(await round(), { done: 0, dueInMs: 300 })
  await time.pass(300)
  assert.deepEqual(await round(), { done: 1, dueInMs: undefined })
})

test('the stock of all products of an order is told in one call', async () => {
  const orderId = context.ids.uuid()
  const items = ['P-1002', 'P-1001'].map((productId) => ({ productId, quantity: 1 }))
  said.length = 0
  await context.database.transaction((tx) => applyInputs(context, tx, [itemsAsked(orderId, items, 0)]))
  assert.deepEqual(
    said.filter((events) => events.length > 0),
    [['stock.changed P-1001', 'stock.changed P-1002'], [`stock.reserved ${orderId}`]],
  )
})
