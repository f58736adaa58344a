/** Leases of mails and their next tries, against a real database: by its clock, whatever the process's says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { type DatabaseTime, movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { limits } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import {
  type NotificationsContext,
  type NotificationsSchema,
  settleMails,
  storeNotices,
  takeMails,
} from '../src/storage.ts'

const hourMs = 3_600_000
const retryAfterMs = 60_000
const closing = new AsyncDisposableStack()
let context: NotificationsContext
let time: DatabaseTime
let jumped = 0
before(async () => {
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'notifications' })
  time = closing.use(await movableTime(await postgres.database('notifications')))
  const database = await openDatabase<NotificationsSchema>(core, { url: time.url, migrations })
  closing.defer(() => database.close())
  const now = () => time.now() + jumped
  context = {
    ...core,
    clock: { ...core.clock, now, iso: () => new Date(now()).toISOString() },
    database,
  } as unknown as NotificationsContext
})
after(() => closing.disposeAsync())

const due = async (): Promise<string> => {
  const [eventId, userId] = [context.ids.uuid(), context.ids.uuid()]
  const notice = { userId, kind: 'payment.completed', title: 'Payment received', mail: 'Thanks.\n' } as const
  await context.database.transaction((tx) => storeNotices(context, tx, [{ eventId, notice, traceparent: undefined }]))
  return eventId
}

for (const [name, jump] of [
  ['forward and back', hourMs],
  ['back and forward', -hourMs],
] as const)
  test(`a clock of notifications that goes an hour ${name} sends no mail early, twice or late`, async () => {
    const taken = async () => (await takeMails(context, 10)).map((mail) => mail.event_id)
    const first = await due()
    const [mail] = await takeMails(context, 10)
    assert.equal(mail?.event_id, first)
    jumped = jump
    const second = await due()
    assert.deepEqual(await taken(), [second], 'the first is held by its lease')
    await context.database.transaction((tx) =>
      settleMails(tx, [{ mail: mail!, outcome: { retryAfterMs }, traceparent: undefined }]),
    )
    for (const at of [jump, 0]) {
      jumped = at
      assert.deepEqual(await taken(), [])
    }
    await time.pass(Math.max(retryAfterMs, limits.mailLeaseMs) + 1)
    jumped = jump
    assert.deepEqual((await taken()).sort(), [first, second].sort())
    jumped = 0
    await context.database.query.deleteFrom('mails').execute()
  })
