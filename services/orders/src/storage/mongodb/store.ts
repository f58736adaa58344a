/** `OrderStore` on collections: see `storage.ts` for what each method promises. */
import { storyStepsMax } from '@svyaz/contracts/http/order-story.ts'
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import { type Clock, Failure } from '@svyaz/kit'
import { limits } from '../../config.ts'
import { afterDecision, lastIdOf, type OrderDocument, type OrderStore, underWayStatuses } from '../../storage.ts'
import type { Calls } from './calls.ts'
import type { Collections, OrderRow } from './collections.ts'
import { isDuplicateKey } from './errors.ts'
import { createTurns } from './turns.ts'

const tooMany = () => new Failure('unavailable', 'the order is being changed by too many at once')

/** What a document says of itself for the indexes, with what must go because it is no longer so. */
const searchable = (document: OrderDocument, pendingSince: Date | undefined, now: () => Date) => {
  const waits = document.pending.length > 0
  const calls = document.order.paymentStep === 'calling'
  const underWay = underWayStatuses.includes(document.order.status)
  return {
    set: {
      status: document.order.status,
      ...(waits ? { waiting: true as const, pendingSince: pendingSince ?? now() } : {}),
      ...(calls ? { calling: true as const } : {}),
      ...(underWay ? { underWay: true as const } : {}),
    },
    unset: {
      ...(waits ? {} : { waiting: '' as const, pendingSince: '' as const }),
      ...(calls ? {} : { calling: '' as const }),
      ...(underWay ? {} : { underWay: '' as const }),
    },
  }
}

/** Orders in MongoDB: state and events in one document. */
export const mongoOrderStore = (
  { orders, standings, told }: Collections,
  { call }: Calls,
  clock: Pick<Clock, 'now'>,
): OrderStore => {
  const turns = createTurns()
  const now = () => new Date(clock.now())

  const byKey: OrderStore['byKey'] = async (userId, key) => {
    const row = await call('find', 'orders', () => orders.findOne({ userId, idempotencyKey: key }))
    return row ? { order: row.order, created: row.created, bodyHash: row.bodyHash } : undefined
  }

  /** Writes if nobody has since it was read. Says nothing of what was sent, handled or decided: only that it held. */
  const replace = async (row: OrderRow, next: OrderDocument): Promise<boolean> => {
    const { set, unset } = searchable(next, row.pendingSince, now)
    const { order, handled, pending } = next
    const written = await call('update', 'orders', () =>
      orders.updateOne(
        { _id: row._id, revision: row.revision },
        {
          $set: { order, handled, pending, revision: row.revision + 1, ...set },
          ...(Object.keys(unset).length > 0 ? { $unset: unset } : {}),
        },
      ),
    )
    return written.matchedCount === 1
  }

  const changeOnce: OrderStore['change'] = async (orderId, causeEventId, decide) => {
    for (let round = 0; round < limits.changeRoundsMax; round++) {
      const row = await call('find', 'orders', () => orders.findOne({ _id: orderId }))
      if (!row) return undefined
      const next = afterDecision(row, causeEventId, decide)
      if (!next) return { order: row.order, applied: false }
      if (await replace(row, next)) return { order: next.order, applied: true }
    }
    throw tooMany()
  }

  const ordersOf = async (filter: object, sort: 1 | -1, limit: number) =>
    (await call('find', 'orders', () => orders.find(filter).sort({ _id: sort }).limit(limit).toArray())).map(
      (row) => row.order,
    )

  return {
    byKey,
    async create(order, created, { key, bodyHash }, events) {
      const document: OrderDocument = { order, created, handled: [], pending: [...events] }
      const row: OrderRow = {
        _id: order.id,
        userId: order.userId,
        idempotencyKey: key,
        bodyHash,
        revision: 1,
        ...document,
        ...searchable(document, undefined, now).set,
      }
      try {
        await call('insert', 'orders', () => orders.insertOne(row))
        return { stored: { order, created, bodyHash }, fresh: true }
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
      const stored = await byKey(order.userId, key)
      if (!stored) throw new Failure('unavailable', 'the order with this key could not be read')
      // The driver repeats an insert whose answer was lost: what is there then is this very order.
      return { stored, fresh: stored.order.id === order.id }
    },
    async get(orderId) {
      return (await call('find', 'orders', () => orders.findOne({ _id: orderId })))?.order
    },
    change: (orderId, causeEventId, decide) => turns.inTurn([orderId], () => changeOnce(orderId, causeEventId, decide)),
    async tell(orderId, eventId, step) {
      try {
        await call('insert', 'order_told', () => told.insertOne({ _id: eventId, orderId, at: step.at, step }))
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    },
    async told(orderId) {
      const rows = await call('find', 'order_told', () =>
        told.find({ orderId }).sort({ at: 1, _id: 1 }).limit(storyStepsMax).toArray(),
      )
      return rows.map((row) => row.step)
    },
    list: (userId, { limit, beforeId }) =>
      ordersOf({ userId, ...(beforeId === undefined ? {} : { _id: { $lt: beforeId } }) }, -1, limit),
    async totals(userId) {
      const [count, [spent]] = await Promise.all([
        call('count', 'orders', () => orders.countDocuments({ userId })),
        call('aggregate', 'orders', () =>
          orders
            .aggregate<{ minor: number }>([
              { $match: { userId, status: { $in: statusesThat('paid') } } },
              { $group: { _id: null, minor: { $sum: '$order.total.amountMinor' } } },
            ])
            .toArray(),
        ),
      ])
      return { orders: count, spentMinor: spent?.minor ?? 0 }
    },
    openOrders: (userId, { limit, afterId }) =>
      ordersOf(
        { userId, status: { $in: statusesThat('open') }, ...(afterId === undefined ? {} : { _id: { $gt: afterId } }) },
        1,
        limit,
      ),
    underWay: ({ madeBeforeMs, max }) =>
      call('count', 'orders', () =>
        orders.countDocuments({ underWay: true, _id: { $lte: lastIdOf(madeBeforeMs) } }, { limit: max }),
      ),
    awaitingPaymentCall: (limit) => ordersOf({ calling: true }, 1, limit),
    async setStanding(userId, { version, blocked }) {
      try {
        await call('update', 'user_standing', () =>
          standings.updateOne(
            { _id: userId, version: { $lt: version } },
            { $set: { version, blocked } },
            { upsert: true },
          ),
        )
      } catch (error) {
        // No older one was found, and there is one: it is as new or newer.
        if (!isDuplicateKey(error)) throw error
      }
    },
    async isBlocked(userId) {
      return (await call('find', 'user_standing', () => standings.findOne({ _id: userId })))?.blocked ?? false
    },
    async pending(eventsMax) {
      const rows = await call('find', 'orders', () =>
        orders
          .find({ waiting: true })
          // By the index alone: a second field would have the server sort every waiting order in memory.
          .sort({ pendingSince: 1 })
          .limit(eventsMax)
          .project<Pick<OrderRow, 'pending'>>({ _id: 0, pending: 1 })
          .toArray(),
      )
      return rows
        .flatMap((row) => row.pending.map((event) => ({ ...event, traceparent: event.traceparent })))
        .slice(0, eventsMax)
    },
    async markSent(events) {
      if (events.length === 0) return
      const sent = new Set(events.map((event) => event.id))
      const orderIds = [...new Set(events.map((event) => event.key))]
      await turns.inTurn(orderIds, async () => {
        for (let round = 0; round < limits.changeRoundsMax; round++) {
          const rows = await call('find', 'orders', () =>
            orders.find({ waiting: true, _id: { $in: orderIds } }).toArray(),
          )
          const left = rows.filter((row) => row.pending.some((event) => sent.has(event.id)))
          if (left.length === 0) return
          // A few at a time: a backlog of hundreds at once would have every request wait for a connection behind it.
          for (let first = 0; first < left.length; first += limits.mongo.markSentAtOnce) {
            const some = left.slice(first, first + limits.mongo.markSentAtOnce)
            await Promise.all(
              some.map((row) => replace(row, { ...row, pending: row.pending.filter((event) => !sent.has(event.id)) })),
            )
          }
        }
        throw tooMany()
      })
    },
    async oldestAt() {
      const row = await call('find', 'orders', () =>
        orders.findOne({ waiting: true }, { sort: { pendingSince: 1 }, projection: { pendingSince: 1 } }),
      )
      return row?.pendingSince?.getTime()
    },
  }
}
