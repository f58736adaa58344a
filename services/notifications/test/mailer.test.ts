/** Mails against a real database and a real mail server: sent in rounds, written together, never twice for an outage. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type Context, Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import { startMailSink } from '../../../outside/mail-sink/src/index.ts'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { type TestCore, testCore } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { type Settings, settings } from '../src/config.ts'
import { messageIdOf } from '../src/domain.ts'
import { Mailer } from '../src/mailer.ts'
import { migrations } from '../src/migrations.ts'
import {
  lockKeys,
  type NotificationsContext,
  type NotificationsSchema,
  type NotificationsTx,
  settleMails,
  storeNotices,
  takeMails,
} from '../src/storage.ts'

let closing: AsyncDisposableStack
let context: NotificationsContext
let sink: Awaited<ReturnType<typeof startMailSink>>
/** Users that were asked for, one entry a call. */
let asked: string[] = []
/** Events said, as `outbox.add` was given them. */
let said: { key: string; traceparent?: string | undefined; data: unknown }[] = []
let failOutbox = 0

before(async () => {
  closing = new AsyncDisposableStack()
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'notifications' })
  const database = await openDatabase<NotificationsSchema>(core, {
    url: await postgres.database('notifications'),
    migrations,
  })
  closing.defer(() => database.close())
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-mailer-'))
  closing.defer(() => rmSync(directory, { recursive: true, force: true }))
  sink = closing.use(await startMailSink({ directory }))
  const current = settings.parse({}) satisfies Settings
  const users = {
    getUser: async ({ id }: { id: string }) => {
      asked.push(id)
      if (id === nobody) throw new Failure('not_found', 'there is no such user')
      if (id === broken) throw new Error('550 <ada@example.org>: no such mailbox')
      return { id, name: advert, email: 'ada@example.org' }
    },
  }
  context = {
    ...core,
    environment: { SVYAZ_SMTP_URL: `smtp://127.0.0.1:${sink.smtpPort}` },
    database,
    settings: { current: () => current, onChange: () => undefined },
    grpc: () => ({ client: () => users }),
    outbox: {
      add: async (_tx: unknown, ...events: typeof said) => {
        if (failOutbox-- > 0) throw new Failure('unavailable', 'the database is away')
        said.push(...events)
      },
      wake: () => undefined,
    },
  } as unknown as Partial<Context<Settings, NotificationsSchema>> as NotificationsContext
})
after(() => closing.disposeAsync())
beforeEach(async () => {
  asked = []
  said = []
  failOutbox = 0
  await context.database.query.deleteFrom('mails').execute()
})

const user = (index: number) => `00000000-0000-4000-8000-00000000000${index}`
const nobody = user(9)
const broken = user(8)
/** What somebody may have called themselves who registers other people's addresses. */
const advert = 'Win at http://example.com/now'
let count = 0
const due = async (userId: string): Promise<string> => {
  const eventId = `event-${process.pid}-${++count}`
  const notice = { userId, kind: 'payment.completed', title: 'Payment received', mail: 'Thanks.\n' } as const
  await context.database.transaction((tx) => storeNotices(context, tx, [{ eventId, notice, traceparent: undefined }]))
  return eventId
}
const statuses = async () =>
  Map.groupBy(await context.database.query.selectFrom('mails').selectAll().execute(), (mail) => mail.status)
const received = async (): Promise<string[]> => {
  const answer = await fetch(`${sink.url}/mails?limit=100`)
  return ((await answer.json()) as { mails: { messageId: string }[] }).mails.map((mail) => mail.messageId)
}

/** Runs the mailer until nothing is due. */
const mailAll = async (): Promise<void> => {
  const mailer = new Mailer(context)
  const stop = new AbortController()
  const running = mailer.worker.run(stop.signal)
  try {
    while ((await statuses()).has('waiting')) await new Promise((resolve) => setTimeout(resolve, 20))
  } finally {
    stop.abort()
    await running
    mailer.close()
  }
}

test('mails of a round share the address, are all sent, and each is said once with a trace', async () => {
  const eventIds = [await due(user(1)), await due(user(2)), await due(user(1)), await due(user(1))]
  await mailAll()
  assert.deepEqual(asked.toSorted(), [user(1), user(2)])
  assert.deepEqual((await statuses()).get('sent')?.length, 4)
  const ids = eventIds.map(messageIdOf)
  assert.deepEqual((await received()).filter((id) => ids.includes(id)).toSorted(), ids.toSorted())
  assert.deepEqual(said.map((event) => (event.data as { messageId: string }).messageId).toSorted(), ids.toSorted())
  assert.ok(said.every((event) => event.traceparent !== undefined))
})

test('a mail holds nothing that its user typed: the address may be a stranger’s', async () => {
  const id = messageIdOf(await due(user(1)))
  await mailAll()
  const mails = (await (await fetch(`${sink.url}/mails?limit=100`)).json()) as {
    mails: { id: number; messageId: string }[]
  }
  const mail = await fetch(`${sink.url}/mails/${mails.mails.find(({ messageId }) => messageId === id)?.id}`)
  const whole = await mail.text()
  assert.match(whole, /Thanks\./)
  assert.match(whole, /ada@example\.org/)
  assert.doesNotMatch(whole, /Win at|example\.com/)
})

test('a log line about a mail that could not be sent names no address', async () => {
  await due(broken)
  const mailer = new Mailer(context)
  const stop = new AbortController()
  const running = mailer.worker.run(stop.signal)
  const lines = () => (context as unknown as TestCore).logs.filter((line) => line.message.includes('could not be sent'))
  while (lines().length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  stop.abort()
  await running
  mailer.close()
  assert.match(JSON.stringify(lines()), /no such mailbox/)
  assert.doesNotMatch(JSON.stringify(lines()), /@/)
})

test('a mail to nobody is given up, and holds up no other', async () => {
  const eventId = await due(nobody)
  await due(user(1))
  await mailAll()
  assert.deepEqual(
    (await statuses()).get('undeliverable')?.map((mail) => mail.event_id),
    [eventId],
  )
  assert.equal((await statuses()).get('sent')?.length, 1)
  assert.equal(said.length, 1)
})

test('a database that is away when the mails are out is waited for: nothing goes out again', async () => {
  const id = messageIdOf(await due(user(1)))
  failOutbox = 2
  await mailAll()
  assert.equal((await received()).filter((one) => one === id).length, 1)
  assert.equal(said.length, 1)
})

test('the outcome of a lost lease is refused', async () => {
  await due(user(1))
  const [mail] = await takeMails(context, 16)
  assert.ok(mail)
  assert.deepEqual(await takeMails(context, 16), [], 'it is leased')
  await context.database.query.updateTable('mails').set({ fencing_token: 99 }).execute()
  const attempt = { mail, outcome: { status: 'sent' }, traceparent: undefined } as const
  assert.deepEqual(await context.database.transaction((tx) => settleMails(tx, [attempt])), [])
  assert.equal((await statuses()).get('waiting')?.length, 1)
})

test('who says something under a key waits for whoever is saying something under it', async () => {
  const order: string[] = []
  // The keys are locked on the way to what is said.
  const say = async (tx: NotificationsTx, keys: string[]) => {
    await lockKeys(tx, keys)
    await sql`select 1`.execute(tx)
  }
  const locked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const first = context.database.transaction(async (tx) => {
    await say(tx, ['order-2', 'order-1', 'order-2'])
    locked.resolve()
    await release.promise
    order.push('first')
  })
  await locked.promise
  const second = context.database.transaction(async (tx) => {
    await say(tx, ['order-1'])
    order.push('second')
  })
  await context.database.transaction(async (tx) => {
    await say(tx, ['order-3'])
    order.push('another key')
  })
  release.resolve()
  await Promise.all([first, second])
  assert.deepEqual(order, ['another key', 'first', 'second'])
})
