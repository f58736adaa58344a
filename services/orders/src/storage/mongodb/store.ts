/** `OrderStore` on collections: see `storage.ts` for what each method promises. */
import { type StoryStep, storyStepsMax } from '@svyaz/contracts/http/order-story.ts'
import { orderStatuses, statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { type Clock, Failure, type StoredEvent } from '@svyaz/kit'
import { limits } from '../../config.ts'
import type { Order } from '../../domain.ts'
import {
  afterDecision,
  type Decide,
  lastIdOf,
  type OrderDocument,
  type OrderStore,
  type SagaPage,
  underWayStatuses,
} from '../../storage.ts'
import type { Calls } from './calls.ts'
import type { Collections, OrderRow } from './collections.ts'
import { isDuplicateKey } from './errors.ts'
import { createTurns, type Turns } from './turns.ts'

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

/** What a store in MongoDB is made of. */
export interface MongoStoreParts {
  readonly collections: Collections
  readonly calls: Calls
  readonly clock: Pick<Clock, 'now'>
  /** Has one instance at a time do the work: the one that has the lease. */
  whileLeader(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

/** Orders in MongoDB: state and events in one document. */
export class MongoOrderStore implements OrderStore {
  readonly everyMs = limits.mongo.pendingEveryMs
  readonly #parts: MongoStoreParts
  readonly #collections: Collections
  readonly #calls: Calls
  readonly #turns: Turns = createTurns()

  constructor(parts: MongoStoreParts) {
    this.#parts = parts
    this.#collections = parts.collections
    this.#calls = parts.calls
  }

  async byKey(userId: string, key: string) {
    const { orders } = this.#collections
    const row = await this.#calls.call('find', 'orders', () => orders.findOne({ userId, idempotencyKey: key }))
    return row ? { order: row.order, created: row.created, bodyHash: row.bodyHash } : undefined
  }

  async create(
    order: Order,
    created: OrderView,
    { key, bodyHash }: { key: string; bodyHash: string },
    events: readonly StoredEvent[],
  ) {
    const document: OrderDocument = { order, created, handled: [], pending: [...events] }
    const row: OrderRow = {
      _id: order.id,
      userId: order.userId,
      idempotencyKey: key,
      bodyHash,
      revision: 1,
      ...document,
      ...searchable(document, undefined, this.#now).set,
    }
    if (await this.#unlessThere('insert', 'orders', () => this.#collections.orders.insertOne(row)))
      return { stored: { order, created, bodyHash }, fresh: true }
    const stored = await this.byKey(order.userId, key)
    if (!stored) throw new Failure('unavailable', 'the order with this key could not be read')
    // The driver repeats an insert whose answer was lost: what is there then is this very order.
    return { stored, fresh: stored.order.id === order.id }
  }

  async get(orderId: string) {
    const { orders } = this.#collections
    return (await this.#calls.call('find', 'orders', () => orders.findOne({ _id: orderId })))?.order
  }

  async getMany(orderIds: readonly string[]) {
    const { orders } = this.#collections
    const found = await this.#calls.call('find', 'orders', () => orders.find({ _id: { $in: [...orderIds] } }).toArray())
    return found.map(({ order }) => order)
  }

  change(orderId: string, causeEventId: string | undefined, decide: Decide) {
    return this.#turns.inTurn([orderId], () => this.#changeInTurn(orderId, causeEventId, decide))
  }

  async tell(orderId: string, eventId: string, step: StoryStep) {
    const { told } = this.#collections
    await this.#unlessThere('insert', 'order_told', () => told.insertOne({ _id: eventId, orderId, at: step.at, step }))
  }

  async told(orderId: string) {
    const { told } = this.#collections
    const rows = await this.#calls.call('find', 'order_told', () =>
      told.find({ orderId }).sort({ at: 1, _id: 1 }).limit(storyStepsMax).toArray(),
    )
    return rows.map((row) => row.step)
  }

  list(userId: string, { limit, beforeId }: { limit: number; beforeId?: string }) {
    return this.#ordersOf({ userId, ...(beforeId === undefined ? {} : { _id: { $lt: beforeId } }) }, -1, limit)
  }

  async totals(userId: string) {
    const { orders } = this.#collections
    const [count, [spent]] = await Promise.all([
      this.#calls.call('count', 'orders', () => orders.countDocuments({ userId })),
      this.#calls.call('aggregate', 'orders', () =>
        orders
          .aggregate<{ minor: number }>([
            { $match: { userId, status: { $in: statusesThat('paid') } } },
            { $group: { _id: null, minor: { $sum: '$order.total.amountMinor' } } },
          ])
          .toArray(),
      ),
    ])
    return { orders: count, spentMinor: spent?.minor ?? 0 }
  }

  openOrders(userId: string, { limit, afterId }: { limit: number; afterId?: string }) {
    const open = { userId, status: { $in: statusesThat('open') } }
    return this.#ordersOf({ ...open, ...(afterId === undefined ? {} : { _id: { $gt: afterId } }) }, 1, limit)
  }

  underWay({ madeBeforeMs, max }: { madeBeforeMs: number; max: number }) {
    const { orders } = this.#collections
    return this.#calls.call('count', 'orders', () =>
      orders.countDocuments({ underWay: true, _id: { $lte: lastIdOf(madeBeforeMs) } }, { limit: max }),
    )
  }

  awaitingPaymentCall(limit: number) {
    return this.#ordersOf({ calling: true }, 1, limit)
  }

  sagas({ statuses, sort, limit, beyondId, madeBeforeMs }: SagaPage) {
    const ids = {
      ...(beyondId === undefined ? {} : { [sort === 'newest' ? '$lt' : '$gt']: beyondId }),
      ...(madeBeforeMs === undefined ? {} : { $lte: lastIdOf(madeBeforeMs) }),
    }
    const filter = { status: { $in: [...statuses] }, ...(Object.keys(ids).length === 0 ? {} : { _id: ids }) }
    return this.#ordersOf(filter, sort === 'newest' ? -1 : 1, limit)
  }

  async sagaTotals(max: number) {
    const { orders } = this.#collections
    const counted = orderStatuses.map(
      async (status) =>
        [
          status,
          await this.#calls.call('count', 'orders', () => orders.countDocuments({ status }, { limit: max })),
        ] as const,
    )
    return new Map(await Promise.all(counted))
  }

  async setStanding(userId: string, { version, blocked }: { version: number; blocked: boolean }) {
    const { standings } = this.#collections
    const older = { _id: userId, version: { $lt: version } }
    // No older one was found, and there is one: it is as new or newer.
    await this.#unlessThere('update', 'user_standing', () =>
      standings.updateOne(older, { $set: { version, blocked } }, { upsert: true }),
    )
  }

  async isBlocked(userId: string) {
    const { standings } = this.#collections
    return (await this.#calls.call('find', 'user_standing', () => standings.findOne({ _id: userId })))?.blocked ?? false
  }

  async pending(eventsMax: number) {
    const { orders } = this.#collections
    const rows = await this.#calls.call('find', 'orders', () =>
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
  }

  async markSent(events: readonly StoredEvent[]) {
    if (events.length === 0) return
    const sent = new Set(events.map((event) => event.id))
    const orderIds = [...new Set(events.map((event) => event.key))]
    await this.#turns.inTurn(orderIds, () => this.#takeOut(sent, orderIds))
  }

  async oldestAt() {
    const { orders } = this.#collections
    const row = await this.#calls.call('find', 'orders', () =>
      orders.findOne({ waiting: true }, { sort: { pendingSince: 1 }, projection: { pendingSince: 1 } }),
    )
    return row?.pendingSince?.getTime()
  }

  whileLeader(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>) {
    return this.#parts.whileLeader(signal, work)
  }

  readonly #now = () => new Date(this.#parts.clock.now())

  async #changeInTurn(orderId: string, causeEventId: string | undefined, decide: Decide) {
    const { orders } = this.#collections
    for (let round = 0; round < limits.changeRoundsMax; round++) {
      const row = await this.#calls.call('find', 'orders', () => orders.findOne({ _id: orderId }))
      if (!row) return undefined
      const next = afterDecision(row, causeEventId, decide)
      if (!next) return { order: row.order, applied: false }
      if (await this.#replace(row, next)) return { order: next.order, applied: true }
    }
    throw tooMany()
  }

  /** Takes events that were sent out of the documents of their orders. */
  async #takeOut(sent: ReadonlySet<string>, orderIds: readonly string[]): Promise<void> {
    const { orders } = this.#collections
    const mine = { waiting: true, _id: { $in: [...orderIds] } } as const
    for (let round = 0; round < limits.changeRoundsMax; round++) {
      const rows = await this.#calls.call('find', 'orders', () => orders.find(mine).toArray())
      const left = rows.filter((row) => row.pending.some((event) => sent.has(event.id)))
      if (left.length === 0) return
      // A few at a time: a backlog of hundreds at once would have every request wait for a connection behind it.
      for (let first = 0; first < left.length; first += limits.mongo.markSentAtOnce) {
        const some = left.slice(first, first + limits.mongo.markSentAtOnce)
        await Promise.all(
          some.map((row) =>
            this.#replace(row, { ...row, pending: row.pending.filter((event) => !sent.has(event.id)) }),
          ),
        )
      }
    }
    throw tooMany()
  }

  /** Writes if nobody has since it was read. Says nothing of what was sent, handled or decided: only that it held. */
  async #replace(row: OrderRow, next: OrderDocument): Promise<boolean> {
    const { orders } = this.#collections
    const { set, unset } = searchable(next, row.pendingSince, this.#now)
    const { order, handled, pending } = next
    const written = await this.#calls.call('update', 'orders', () =>
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

  async #ordersOf(filter: object, sort: 1 | -1, limit: number): Promise<Order[]> {
    const { orders } = this.#collections
    const rows = await this.#calls.call('find', 'orders', () =>
      orders.find(filter).sort({ _id: sort }).limit(limit).toArray(),
    )
    return rows.map((row) => row.order)
  }

  /** False when there is one of that key already. */
  async #unlessThere(operation: string, collection: string, write: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#calls.call(operation, collection, write)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }
}
