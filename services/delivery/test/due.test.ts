/** When a parcel moves on, against a real database: by that database's clock, whatever the process's says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { type DatabaseTime, movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { limits, settings } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { moveDue } from '../src/parcels.ts'
import {
  applyInputs,
  type DeliveryContext,
  type DeliverySchema,
  databaseNow,
  draftParcels,
  viewOf,
} from '../src/storage.ts'

const [shipAfterMs, deliverAfterMs] = [60_000, 120_000]
const hourMs = 3_600_000
const closing = new AsyncDisposableStack()
let context: DeliveryContext
let time: DatabaseTime
let jumped = 0
/** What orders answers when it is asked about an order. */
let orderStatus = 'paid'
before(async () => {
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'delivery' })
  time = closing.use(await movableTime(await postgres.database('delivery')))
  const database = await openDatabase<DeliverySchema>(core, { url: time.url, migrations })
  closing.defer(() => database.close())
  const now = () => time.now() + jumped
  context = {
    ...core,
    clock: { ...core.clock, now, iso: () => new Date(now()).toISOString() },
    database,
    settings: { current: () => settings.parse({ shipAfterMs, deliverAfterMs }), onChange: () => undefined },
    outbox: { add: async () => undefined, wake: () => undefined },
    grpc: () => ({ client: () => ({ getOrder: async () => ({ status: orderStatus }) }) }),
  } as unknown as DeliveryContext
})
after(() => closing.disposeAsync())

const paid = async (): Promise<string> => {
  const orderId = context.ids.uuid()
  await context.database.transaction(async (tx) => {
    const order = { orderId, userId: context.ids.uuid(), deliveryMethod: 'dm_ok', traceparent: undefined }
    await draftParcels(context, tx, [order])
    await applyInputs(context, tx, [{ orderId, input: { type: 'paid' }, traceparent: undefined }])
  })
  return orderId
}
const seen = async (orderId: string) => {
  const { query } = context.database
  const row = await query
    .selectFrom('deliveries')
    .selectAll()
    .select(databaseNow.as('now'))
    .where('order_id', '=', orderId)
    .executeTakeFirstOrThrow()
  const { status, position } = viewOf(row)
  return `${status} ${position.progress}`
}
/** Moves what is due by now. */
const round = () => moveDue(context)

for (const [name, jump] of [
  ['forward and back', hourMs],
  ['back and forward', -hourMs],
] as const)
  test(`a clock of delivery that goes an hour ${name} moves no parcel early or late`, async () => {
    const before = await paid()
    jumped = jump
    const during = await paid()
    const both = async (expected: string) => {
      for (const at of [jump, 0, jump]) {
        jumped = at
        await round()
        assert.deepEqual([await seen(before), await seen(during)], [expected, expected])
      }
    }
    await both('scheduled 0')
    await time.pass(shipAfterMs)
    await both('shipped 0')
    await time.pass(deliverAfterMs / 2)
    await both('shipped 0.5')
    await time.pass(deliverAfterMs / 2)
    await both('delivered 1')
    jumped = 0
  })

test('a parcel that is held back is asked about again when its time is over, wherever the clock is', async () => {
  const orderId = await paid()
  await time.pass(shipAfterMs)
  orderStatus = 'cancelling'
  jumped = hourMs
  await round()
  orderStatus = 'paid'
  jumped = 0
  await round()
  assert.equal(await seen(orderId), 'scheduled 0')
  await time.pass(limits.holdMs)
  await round()
  assert.equal(await seen(orderId), 'shipped 0')
})

test('a round says when the next step is due, so that nobody has to keep looking', async () => {
  await context.database.query.deleteFrom('deliveries').execute()
  assert.deepEqual(await round(), { done: 0, dueInMs: undefined })
  await paid()
  await time.pass(shipAfterMs - 300)
  assert.deepEqual(await round(), { done: 0, dueInMs: 300 })
  await time.pass(300)
  orderStatus = 'cancelling'
  assert.deepEqual(await round(), { done: 0, dueInMs: limits.holdMs })
  orderStatus = 'paid'
  await time.pass(limits.holdMs)
  assert.deepEqual(await round(), { done: 1, dueInMs: undefined })
})
