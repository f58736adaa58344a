/** Feeds against a real database: a frame goes out when it is there, whatever is still to be noted of those before it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ServerMessage } from '@svyaz/contracts/socket/notifications.ts'
import { type Caller, Failure, type Socket } from '@svyaz/kit'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { createFeed, type Feed } from '../src/feed.ts'
import { migrations } from '../src/migrations.ts'
import { type NotificationsContext, type NotificationsSchema, storeNotices } from '../src/storage.ts'

const closing = new AsyncDisposableStack()
let context: NotificationsContext
interface Said {
  readonly key: string
  readonly data: { readonly orderId?: string; readonly frames: readonly { readonly cursor: number }[] }
}
/** What was said to be sent, a list for each transaction. */
const said: Said[][] = []
const cursorsSaid = () => said.map((events) => events.map(({ data }) => data.frames.map(({ cursor }) => cursor)))
let failOutbox = 0
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
      add: async (_tx: unknown, ...events: Said[]) => {
        await noting.promise
        if (failOutbox-- > 0) throw new Failure('unavailable', 'the database is away')
        said.push(events)
      },
      wake: () => undefined,
    },
  } as unknown as NotificationsContext
})
after(() => closing.disposeAsync())

test('frames go out while it is noted of others that they did, and what was sent meanwhile is noted together', async () => {
  const userId = context.ids.uuid()
  const feed = createFeed(context)
  await using _noting = runWorkers(feed)
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
    await context.database.transaction((tx) =>
      storeNotices(context, tx, [{ eventId: context.ids.uuid(), notice, traceparent: undefined }]),
    )
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
  await until('all are noted', () => cursorsSaid().flat(2).length === 3)
  assert.deepEqual(cursorsSaid(), [[[1]], [[2, 3]]])

  noting = Promise.withResolvers()
  noting.resolve()
  const another = createFeed(context)
  await using _anotherNoting = runWorkers(another)
  await another.handler.open(socket, { caller, query: new URLSearchParams() } as Parameters<
    typeof feed.handler.open
  >[1])
  await tell()
  another.wake(userId)
  await until('the fourth is noted', () => cursorsSaid().flat(2).length === 4)
  assert.deepEqual(cursorsSaid(), [[[1]], [[2, 3]], [[4]]], 'by one of the two, and those before not again')
})

test('what sockets took is noted by order, before the service ends, also when the database is away at first', async () => {
  const [one, two] = [context.ids.uuid(), context.ids.uuid()]
  const [first, second] = [context.ids.uuid(), context.ids.uuid()]
  const feed = createFeed(context)
  await Promise.all([listenTo(feed, one, []), listenTo(feed, two, [])])
  said.length = 0
  failOutbox = 1
  feed.offer(await tellOf([one, first], [two, second], [one, first], [one]))
  await using noting = runWorkers(feed)
  await until('the database is there again', () => said.length === 1)
  assert.deepEqual(
    said[0]?.map(({ key, data }) => [key, data.orderId, data.frames.map(({ cursor }) => cursor)]),
    [
      [first, first, [1, 2]],
      [one, undefined, [3]],
      [second, second, [1]],
    ],
  )
  feed.offer(await tellOf([two, second]))
  await noting[Symbol.asyncDispose]()
  assert.deepEqual(cursorsSaid().slice(1), [[[2]]])
})

test('a frame that went out again, before it was noted that it did, is noted once', async () => {
  const [userId, orderId] = [context.ids.uuid(), context.ids.uuid()]
  const feed = createFeed(context)
  await listenTo(feed, userId, [])
  said.length = 0
  feed.offer(await tellOf([userId, orderId]))
  const again: Sent[] = []
  await listenTo(feed, userId, again)
  await until('the socket that came back has it', () => again.length === 1)
  feed.offer(await tellOf([userId, orderId]))
  await using _noting = runWorkers(feed)
  await until('it is noted', () => said.length > 0)
  assert.deepEqual(cursorsSaid(), [[[1, 2]]])
})

type Sent = [user: string, cursor: number, title: string]

/** A socket of the user that notes what it takes. */
const listenTo = async (feed: Feed, userId: string, sent: Sent[]): Promise<void> => {
  const socket = {
    send: (message: ServerMessage) => {
      if (message.type === 'notification') sent.push([userId, message.data.cursor, message.data.title])
      return true
    },
    onClose: () => undefined,
    close: () => undefined,
  } as unknown as Socket
  const caller = { kind: 'user', userId } as Caller & { kind: 'user' }
  await feed.handler.open(socket, { caller, query: new URLSearchParams() } as Parameters<typeof feed.handler.open>[1])
}

/** Runs the feed's workers until it is disposed; one that failed runs again, as under the kit. */
const runWorkers = (feed: Feed): AsyncDisposable => {
  const stop = new AbortController()
  const running = feed.workers.map(async (worker) => {
    do await worker.run(stop.signal).catch((error) => assert.ok(error instanceof Failure, String(error)))
    while (!stop.signal.aborted)
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(running)
    },
  }
}

/** Stores a frame for each user, about an order where it is named, in one transaction. */
const tellOf = async (...told: [userId: string, orderId?: string][]) => {
  const notices = told.map(([userId, orderId]) => ({
    eventId: context.ids.uuid(),
    notice: { userId, kind: 'order.paid', title: 'Paid', ...(orderId && { orderId }) } as const,
    traceparent: undefined,
  }))
  return (await context.database.transaction((tx) => storeNotices(context, tx, notices))).rows
}

/** Stores what users are told, in one transaction. */
const tell = async (...told: [userId: string, title: string][]) => {
  const frames = await context.database.transaction((tx) =>
    storeNotices(
      context,
      tx,
      told.map(([userId, title]) => ({
        eventId: context.ids.uuid(),
        notice: { userId, kind: 'order.paid', title, mail: `${title}\n` },
        traceparent: undefined,
      })),
    ),
  )
  return frames.rows
}

test('what one transaction tells several users has their next cursors, in its order, and goes out as it was stored', async () => {
  const [one, two] = [context.ids.uuid(), context.ids.uuid()]
  const feed = createFeed(context)
  const sent: Sent[] = []
  await Promise.all([listenTo(feed, one, sent), listenTo(feed, two, sent)])
  const first = await tell([one, 'a'], [two, 'b'], [one, 'c'])
  assert.deepEqual(
    first.map((row) => [row.user_id, Number(row.cursor), row.title]),
    [
      [one, 1, 'a'],
      [two, 1, 'b'],
      [one, 2, 'c'],
    ],
  )
  feed.offer(first)
  assert.deepEqual(
    sent.toSorted(([a], [b]) => Number(a === two) - Number(b === two)),
    [
      [one, 1, 'a'],
      [one, 2, 'c'],
      [two, 1, 'b'],
    ],
    'nothing is read for it',
  )
  // The frames before these were stored by another instance: the socket gets all of them, each once.
  await tell([one, 'd'])
  feed.offer(await tell([one, 'e']))
  await until('both are out', () => sent.length === 5)
  assert.deepEqual(
    sent.slice(3).map(([, cursor, title]) => [cursor, title]),
    [
      [3, 'd'],
      [4, 'e'],
    ],
  )
  const mails = await context.database.query.selectFrom('mails').select('user_id').where('user_id', '=', one).execute()
  assert.equal(mails.length, 4)
})
