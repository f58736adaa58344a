/** Leases of payments and their next tries, against a real database: by its clock, whatever the process's says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { PaymentStatus } from '@svyaz/contracts/http/payments.ts'
import { sql } from 'kysely'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { type DatabaseTime, movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { limits } from '../src/config.ts'
import { type Intent, next } from '../src/domain.ts'
import { migrations } from '../src/migrations.ts'
import {
  applyWishes,
  nextDueInMs,
  type PaymentsContext,
  type PaymentsSchema,
  recordResults,
  takeLeases,
} from '../src/storage.ts'

const hourMs = 3_600_000
const statuses: readonly PaymentStatus[] = [
  'requested',
  'charging',
  'charged',
  'declined',
  'voided',
  'refunding',
  'refunded',
]
const closing = new AsyncDisposableStack()
let context: PaymentsContext
let time: DatabaseTime
let jumped = 0
/** Types and keys of the events said, a list for each transaction's call. */
const said: string[][] = []
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
    outbox: {
      add: async (_tx: unknown, ...events: { type: string; key: string }[]) =>
        void said.push(events.map(({ type, key }) => `${type} ${key}`)),
      wake: () => undefined,
    },
  } as unknown as PaymentsContext
})
after(() => closing.disposeAsync())

const wanted = async (): Promise<string> => {
  const [orderId, userId] = [context.ids.uuid(), context.ids.uuid()]
  const opening = { orderId, userId, amountMinor: 4_990, method: 'pm_ok' }
  await context.database.transaction((tx) =>
    applyWishes(context, tx, [{ opening, type: 'charge', traceparent: undefined }]),
  )
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

test('results are written together, but the one whose lease was lost; an undo asked for meanwhile stays to be done', async () => {
  jumped = 0
  const [paid, declined, lost, undone] = [await wanted(), await wanted(), await wanted(), await wanted()]
  const leases = new Map((await takeLeases(context, 10)).map((lease) => [lease.payment.orderId, lease]))
  const { query } = context.database
  await query.updateTable('payments').set({ fencing_token: 2 }).where('order_id', '=', lost).execute()
  const opening = { orderId: undone, userId: context.ids.uuid(), amountMinor: 4_990, method: 'pm_ok' }
  await context.database.transaction((tx) =>
    applyWishes(context, tx, [{ opening, type: 'undo', traceparent: undefined }]),
  )
  said.length = 0
  const charged = { type: 'charged', processorId: 'p-1' } as const
  const recorded = await recordResults(context, [
    { lease: leases.get(paid)!, result: charged },
    { lease: leases.get(declined)!, result: { type: 'declined', reason: 'no funds' } },
    { lease: leases.get(lost)!, result: charged },
    { lease: leases.get(undone)!, result: charged },
  ])
  assert.deepEqual(recorded, ['settled', 'settled', 'lost', 'due again'])
  assert.deepEqual(said, [[`payment.completed ${paid}`, `payment.failed ${declined}`, `payment.completed ${undone}`]])
  const rows = await query
    .selectFrom('payments')
    .select(['order_id', 'status', 'intent', 'reason', 'processor_id', 'amount_minor', 'lease_until'])
    .execute()
  const seen = new Map(rows.map((row) => [row.order_id, row]))
  const of = (orderId: string) => {
    const { status, intent, reason, processor_id, amount_minor, lease_until } = seen.get(orderId)!
    return [status, intent, reason, processor_id, Number(amount_minor), lease_until !== null]
  }
  assert.deepEqual(of(paid), ['charged', null, null, 'p-1', 4_990, false])
  assert.deepEqual(of(declined), ['declined', null, 'no funds', null, 4_990, false])
  assert.deepEqual(of(lost), ['charging', 'charge', null, null, 4_990, true])
  assert.deepEqual(of(undone), ['charged', 'undo', null, 'p-1', 4_990, false])
  await query.deleteFrom('payments').execute()
})

test('a lease is taken under the status, and for the call, that its payment is due for', async () => {
  for (const status of statuses) {
    for (const intent of ['charge', 'undo'] as const satisfies Intent[]) {
      const orderId = await wanted()
      await sql`UPDATE payments SET status = ${status}, intent = ${intent} WHERE order_id = ${orderId}::uuid`.execute(
        context.database.query,
      )
      const [lease, ...others] = await takeLeases(context, 10)
      assert.equal(others.length, 0)
      const due = next({ ...lease!.payment, status })
      assert.deepEqual({ call: lease!.call, status: lease!.payment.status }, due, `${status}, ${intent}`)
    }
  }
})
