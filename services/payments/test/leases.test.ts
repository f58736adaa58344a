/** Leases of payments and their next tries, against a real database: by its clock, whatever the process's says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { type DatabaseTime, movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { limits } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { applyWish, nextDueInMs, type PaymentsContext, type PaymentsSchema, takeLeases } from '../src/storage.ts'

const hourMs = 3_600_000
const closing = new AsyncDisposableStack()
let context: PaymentsContext
let time: DatabaseTime
let jumped = 0
before(async () => {
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'payments' })
  time = closing.use(await movableTime(await postgres.database('payments')))
  const database = await openDatabase<PaymentsSchema>(core, { url: time.url, migrations })
  closing.defer(() => database.close())
  const now = () => time.now() + jumped
  context = {
    ...core,
    instance: 'payments-1',
    clock: { ...core.clock, now, iso: () => new Date(now()).toISOString() },
    database,
    outbox: { add: async () => undefined, wake: () => undefined },
  } as unknown as PaymentsContext
})
after(() => closing.disposeAsync())

const wanted = async (): Promise<string> => {
  const [orderId, userId] = [context.ids.uuid(), context.ids.uuid()]
  const opening = { orderId, userId, amountMinor: 4_990, method: 'pm_ok' }
  await context.database.transaction((tx) => applyWish(context, tx, opening, { type: 'charge', blocked: false }))
  return orderId
}
const taken = async () =>
  (await takeLeases(context, 10)).map(({ payment, fencingToken }) => [payment.orderId, fencingToken])

for (const [name, jump] of [
  ['forward and back', hourMs],
  ['back and forward', -hourMs],
] as const)
  test(`a clock of payments that goes an hour ${name} takes no lease over, and holds none for longer`, async () => {
    jumped = 0
    const before = await wanted()
    assert.deepEqual(await taken(), [[before, 1]], 'due at once')
    jumped = jump
    const during = await wanted()
    assert.deepEqual(await taken(), [[during, 1]])
    for (const at of [0, jump]) {
      jumped = at
      assert.deepEqual(await taken(), [], 'both are held')
    }
    await time.pass(limits.leaseMs + 1)
    assert.deepEqual(
      (await taken()).sort(),
      [
        [before, 2],
        [during, 2],
      ].sort(),
    )
    await context.database.query.deleteFrom('payments').execute()
  })

test('a worker knows when the next payment is due: at once, when a lease ends, or none', async () => {
  jumped = 0
  assert.equal(await nextDueInMs(context), undefined)
  await wanted()
  assert.equal(await nextDueInMs(context), 0)
  await taken()
  assert.equal(await nextDueInMs(context), limits.leaseMs)
  await time.pass(limits.leaseMs)
  assert.equal(await nextDueInMs(context), 0)
  await context.database.query.deleteFrom('payments').execute()
})
