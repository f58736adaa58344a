/**
 * The invariants that need more than the end state: the whole log, the inboxes, the committed offsets, every snapshot of
 * the run. Pure; `check` of a run is the end state's and these.
 */
import type { StoryCode } from '@svyaz/contracts/http/order-story.ts'
import { consumers, mailedTypes } from './consumers.ts'
import type { Evidence, LogRecord } from './evidence.ts'
import type { HistoryEntry } from './history.ts'
import { check as checkSnapshot, invariants as endInvariants } from './invariants.ts'

export interface RunViolation {
  readonly id: string
  readonly promise: string
  readonly found: string
}

interface RunInvariant {
  readonly promise: string
  readonly breaches: (evidence: Evidence) => Iterable<string>
}

export const runInvariants = {
  O3: {
    promise: 'a key used with another body is refused',
    *breaches({ history }) {
      const bodies = new Map<string, string>()
      for (const entry of history) {
        if (entry.f !== 'createOrder' || entry.type !== 'ok') continue
        const body = JSON.stringify(entry.request)
        const first = bodies.get(slotOf(entry))
        if (first === undefined) bodies.set(slotOf(entry), body)
        else if (first !== body) yield `${slotOf(entry)} was accepted with two bodies`
      }
    },
  },
  O5: {
    promise: 'the system comes to rest: nothing is left waiting',
    breaches: ({ stuck }) => stuck,
  },
  S1: {
    promise: 'in every snapshot of the run, stock is never negative and adds up',
    *breaches({ stockDuringRun }) {
      for (const [index, stock] of stockDuringRun.entries())
        for (const { productId, available, reserved, sold, stocked } of stock)
          if (Math.min(available, reserved, sold) < 0 || available + reserved + sold !== stocked)
            yield `snapshot ${index}, ${productId}: ${available} + ${reserved} + ${sold}, ${stocked} stocked`
    },
  },
  E1: {
    promise: 'each event that is told by mail has its mail',
    *breaches({ log, mailEventIds }) {
      const mails = new Set(mailEventIds)
      for (const { eventId, type, topic } of firsts(log))
        if (mailedTypes.has(type) && !topic.endsWith('.dlq') && !mails.has(eventId))
          yield `${type} ${eventId} was never put into a mail`
    },
  },
  K1: {
    promise: 'what an outbox marked as sent is in the log',
    *breaches({ log, outbox }) {
      const ids = new Set(log.map((record) => record.eventId))
      for (const { service, eventId, topic, sent } of outbox)
        if (sent && !ids.has(eventId)) yield `${service} sent ${eventId} to ${topic}: it is not there`
    },
  },
  K3: {
    promise: '(partition, offset) has one value for ever, and offsets have no hole',
    *breaches({ log, changedPlaces, commits }) {
      yield* changedPlaces
      const seen = new Map<string, number>()
      for (const { topic, partition, offset } of sorted(log)) {
        const place = `${topic}/${partition}`
        if (offset !== (seen.get(place) ?? 0)) yield `${place}: ${offset} follows ${(seen.get(place) ?? 0) - 1}`
        seen.set(place, offset + 1)
      }
      for (const { topic, partition, end } of commits) {
        const place = `${topic}/${partition}`
        if ((seen.get(place) ?? 0) < end) yield `${place} ends at ${end}, the reader has ${seen.get(place) ?? 0}`
      }
    },
  },
  K5: {
    promise: 'per key, the order in the log is the order of the commits',
    *breaches({ log, outbox }) {
      const position = new Map(outbox.map((row) => [row.eventId, row.position]))
      const last = new Map<string, number>()
      for (const { topic, key, eventId } of firsts(log)) {
        const at = position.get(eventId)
        if (at === undefined) continue
        const before = last.get(`${topic} ${key}`) ?? -1
        if (at < before) yield `${topic} ${key}: ${eventId} was committed earlier than what stands before it`
        last.set(`${topic} ${key}`, Math.max(at, before))
      }
    },
  },
  K6: {
    promise: 'a committed offset never passes unfinished work',
    *breaches({ log, inbox, orders, commits }) {
      const letters = log.filter((record) => record.topic.endsWith('.dlq'))
      // A record that can't even be read is a dead letter without a row in the inbox.
      const finished = new Set([...inbox, ...letters].map((row) => `${row.consumer} ${row.eventId}`))
      const records = new Map(
        orders.map(({ orderId, handled, story }) => [
          orderId,
          { handled: new Set(handled), told: new Set<string>(story.map((step) => step.code)) },
        ]),
      )
      const committed = new Map(commits.map((row) => [`${row.group} ${row.topic}/${row.partition}`, row.committed]))
      for (const { group, topic, types } of consumers) {
        for (const record of log) {
          if (record.topic !== topic || !types.includes(record.type)) continue
          if (record.offset >= (committed.get(`${group} ${topic}/${record.partition}`) ?? -1)) continue
          const orderId = record.data?.orderId
          const done =
            finished.has(`${group} ${record.eventId}`) ||
            (group === 'orders'
              ? orderId === undefined ||
                records.get(orderId)?.handled.has(record.eventId) ||
                records.get(orderId)?.told.has(saidBefore[record.type] ?? '')
              : false)
          if (!done)
            yield `${group} committed past ${record.type} ${record.eventId} (${topic}/${record.partition}/${record.offset}) without handling it`
        }
      }
    },
  },
  Q1: {
    promise: 'work is done once or is a dead letter, never both; only poison becomes one',
    *breaches({ log, inbox, poison }) {
      const done = new Set(inbox.filter((row) => row.state === 'done').map((row) => `${row.consumer} ${row.eventId}`))
      const letters = log.filter((record) => record.topic.endsWith('.dlq'))
      for (const { consumer, eventId, type, data } of letters) {
        if (done.has(`${consumer} ${eventId}`)) yield `${type} ${eventId} was done by ${consumer} and is a dead letter`
        if (!poison.includes(eventId))
          yield `${consumer} gave up on ${type} ${eventId}, which is not a poison: ${JSON.stringify(data?.error ?? '')}`
      }
    },
  },
  B1: {
    promise: 'no order of a blocked user escapes: once one was cancelled for the block, every later one is',
    *breaches({ log, snapshot }) {
      const users = firsts(log.filter((record) => record.topic === 'users.events'))
      const unblocked = new Set(users.flatMap(({ type, data }) => (type === 'user.unblocked' ? [data.userId] : [])))
      const statuses = new Map(snapshot.orders.map((order) => [order.id, order.status]))
      const orders = firsts(log.filter((record) => record.topic === 'orders.events'))
      for (const { type, data: block } of users) {
        if (type !== 'user.blocked' || unblocked.has(block.userId)) continue
        const own = orders.filter(({ data }) => data?.userId === block.userId)
        const cancelled = own.filter(({ data }) => data.reason === 'user_blocked').map(({ data }) => String(data.at))
        const since = cancelled.toSorted()[0]
        if (since === undefined) continue
        for (const { type: what, data } of own) {
          const status = statuses.get(data.orderId)
          if (what === 'order.created' && data.at > since && status !== 'cancelled' && status !== 'rejected')
            yield `order ${data.orderId} of ${block.userId} is ${status}, made at ${data.at} after the block held at ${since}`
        }
      }
    },
  },
  X2: {
    promise: 'effects per (consumer, event) ≤ 1: one event per version of an aggregate, one frame per event',
    *breaches({ log, frames, orders }) {
      yield* doubles(
        firsts(log).flatMap((record) => aggregatesOf(record).map((aggregate) => `${record.topic}: ${aggregate}`)),
        (what, count) => `${what} has ${count} event ids`,
      )
      yield* doubles(
        frames.map((frame) => `user ${frame.userId}, event ${frame.eventId}`),
        (what, count) => `${count} frames for ${what}`,
      )
      for (const { orderId, handled } of orders)
        yield* doubles(handled, (id, count) => `order ${orderId} handled event ${id} ${count} times`)
    },
  },
  G1: {
    promise: 'each saga is completed or compensated; compensations happen once, in reverse',
    *breaches({ snapshot, log, orders }) {
      const byOrder = Map.groupBy(
        firsts(log).filter(({ topic }) => topic === 'payments.events' || topic === 'inventory.events'),
        (record) => String(record.data?.orderId ?? ''),
      )
      const stories = new Map(orders.map((order) => [order.orderId, order.story.map((step) => step.code)]))
      for (const { id, status } of snapshot.orders) {
        const types = (byOrder.get(id) ?? []).map((record) => record.type)
        const count = (...wanted: string[]) => types.filter((type) => wanted.includes(type)).length
        const reserved = count('stock.reserved') > 0
        const undone = count('payment.refunded', 'payment.voided')
        const released = count('stock.released')
        const story = stories.get(id) ?? []
        const cancelling = snapshot.events.some((event) => event.orderId === id && event.type === 'order.cancelling')
        if (status === 'completed' && (undone > 0 || released > 0))
          yield `order ${id} is completed and compensated: ${types.join(', ')}`
        if (status === 'cancelled' && cancelling && undone !== 1)
          yield `order ${id}: its payment was undone ${undone} times`
        if ((status === 'cancelled' || status === 'rejected') && reserved && released !== 1)
          yield `order ${id} is ${status}: its stock was released ${released} times`
        const undoneAt = story.findIndex((code) => code === 'payment_refunded' || code === 'payment_voided')
        const releasedAt = story.findIndex((code) => code === 'stock_released' || code === 'stock_restocked')
        if (cancelling && undoneAt >= 0 && releasedAt >= 0 && releasedAt < undoneAt)
          yield `order ${id}: the stock was released before the payment was undone`
      }
    },
  },
} as const satisfies Record<string, RunInvariant>

/** Every id that a run is judged by, in the order of the report. */
export const invariantIds: readonly string[] = [
  ...new Set([...Object.keys(endInvariants), ...Object.keys(runInvariants)]),
].sort()

/** Every breach of every invariant; empty = nothing was lost and nothing happened twice. */
export const checkRun = (evidence: Evidence): RunViolation[] => [
  ...checkSnapshot(evidence.snapshot),
  ...(Object.entries(runInvariants) as [string, RunInvariant][]).flatMap(([id, { promise, breaches }]) =>
    [...breaches(evidence)].map((found) => ({ id, promise, found })),
  ),
]

/** ProcessPayment's answer says the same as these events: whichever comes second changes nothing and is not recorded. */
const saidBefore: Readonly<Record<string, StoryCode>> = {
  'payment.completed': 'payment_charged',
  'payment.failed': 'payment_declined',
}

const slotOf = (entry: HistoryEntry): string => `user ${entry.process}, key ${entry.key}`

const sorted = (log: readonly LogRecord[]): LogRecord[] =>
  [...log].sort((a, b) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || a.offset - b.offset,
  )

/** An outbox may send a record again near a kill, under its event id: only the first one counts. */
const firsts = (log: readonly LogRecord[]): LogRecord[] => {
  const seen = new Set<string>()
  return sorted(log).filter(({ topic, eventId }) => {
    if (eventId === '' || topic.endsWith('.dlq') || seen.has(`${topic} ${eventId}`)) return false
    seen.add(`${topic} ${eventId}`)
    return true
  })
}

/** What an event is about: no other event may say the same. */
const aggregatesOf = (record: LogRecord): string[] =>
  record.type === 'frames.sent'
    ? record.data.frames.map(({ cursor }: { cursor: number }) => `frame ${cursor} of ${record.data.userId}`)
    : [aggregateOf(record) ?? []].flat()

/** The aggregate and version. */
const aggregateOf = ({ topic, type, data }: LogRecord): string | undefined => {
  if (type === 'stock.changed') return `product ${data.productId} version ${data.version}`
  if (type === 'stock.reserved' || type === 'stock.rejected')
    return `${type} of ${data.orderId} for ${data.itemsVersion}`
  if (type === 'stock.released') return `${type} of ${data.orderId}`
  if (type === 'mail.sent') return `mail ${data.messageId}`
  if (topic === 'payments.tasks') return `${type} of ${data.orderId}`
  if (data?.orderId !== undefined && data.version !== undefined) return `order ${data.orderId} version ${data.version}`
  return undefined
}

function* doubles(names: readonly string[], tell: (name: string, count: number) => string): Generator<string> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const [name, count] of counts) if (count > 1) yield tell(name, count)
}
