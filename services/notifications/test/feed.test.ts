/** Feeds against a real database: a frame goes out when it is there, whatever is still to be noted of those before it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ServerMessage } from '@svyaz/contracts/socket/notifications.ts'
import type { Caller, Socket } from '@svyaz/kit'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { createFeed } from '../src/feed.ts'
import { migrations } from '../src/migrations.ts'
import { type NotificationsContext, type NotificationsSchema, storeNotice } from '../src/storage.ts'

const closing = new AsyncDisposableStack()
let context: NotificationsContext
/** Cursors said to be sent, a list for each transaction. */
const said: number[][] = []
let noting = Promise.withResolvers<void>()
before(async () => {
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'notifications' })
  const url = await postgres.database('notifications')
  const database = await openDatabase<NotificationsSchema>(core, { url, migrations })
  closing.defer(() => database.close())
  context = {
    ...core,
    instance: 'notifications-1',
    database,
    outbox: {
      add: async (_tx: unknown, ...events: { data: { cursor: number } }[]) => {
        await noting.promise
        said.push(events.map(({ data }) => data.cursor))
      },
      wake: () => undefined,
    },
  } as unknown as NotificationsContext
})
after(() => closing.disposeAsync())

test('frames go out while it is noted of others that they did, and what was sent meanwhile is noted together', async () => {
  const userId = context.ids.uuid()
  const feed = createFeed(context)
  const sent: number[] = []
  const socket = {
    send: (message: ServerMessage) => {
      if (message.type === 'notification') sent.push(message.data.cursor)
      return true
    },
    onClose: () => undefined,
    close: () => undefined,
  } as unknown as Socket
  const tell = async () => {
    const notice = { userId, kind: 'payment.completed', title: 'Payment received' } as const
    await context.database.transaction((tx) => storeNotice(context, tx, context.ids.uuid(), notice))
    feed.wake(userId)
  }
  const caller = { kind: 'user', userId } as Caller & { kind: 'user' }
  await feed.handler.open(socket, { caller, query: new URLSearchParams() } as Parameters<typeof feed.handler.open>[1])
  for (const cursor of [1, 2, 3]) {
    await tell()
    await until(`frame ${cursor} is out`, () => sent.length === cursor)
  }
  assert.deepEqual(said, [], 'the first is not noted yet')
  noting.resolve()
  await until('all are noted', () => said.flat().length === 3)
  assert.deepEqual(said, [[1], [2, 3]])

  noting = Promise.withResolvers()
  noting.resolve()
  const another = createFeed(context)
  await another.handler.open(socket, { caller, query: new URLSearchParams() } as Parameters<
    typeof feed.handler.open
  >[1])
  await tell()
  another.wake(userId)
  await until('the fourth is noted', () => said.flat().length === 4)
  assert.deepEqual(said, [[1], [2, 3], [4]], 'by one of the two, and those before not again')
})
