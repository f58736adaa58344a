/**
 * Orders in PostgreSQL: one row each, the document as `jsonb`, with what must be found by SQL beside it. Their events
 * wait in the kit's outbox, written by the statement that writes the order (docs/decisions/0065).
 */
import { type StoryStep, storyStepsMax } from '@svyaz/contracts/http/order-story.ts'
import { type OrderStatus, orderStatuses, statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { type Clock, type Database, Failure, type StoredEvent, type Tx, tableSource, together } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits } from '../config.ts'
import type { Order } from '../domain.ts'
import {
  type Decide,
  lastIdOf,
  type Note,
  type OrderDocument,
  type OrderStore,
  type SagaPage,
  underWayStatuses,
} from '../storage.ts'
import { changeLocked, changeOnce, insertOrders, moveLeftovers, type NewOrder, telling } from './postgres-writes.ts'
import type { OrdersSchema } from './schema.ts'

const documentOf = (row: { document: OrderDocument | string }): OrderDocument => row.document as OrderDocument

/** Events in documents are an older version's; it may run beside this one for a while. */
const leftoversEveryMs = 60_000

export class PostgresOrderStore implements OrderStore {
  readonly #database: Database<OrdersSchema>
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #events: ReturnType<typeof tableSource>
  /** Orders that come at the same time are one statement. */
  readonly #insert: (order: NewOrder) => Promise<boolean>
  #leftoversMovedAt = Number.NEGATIVE_INFINITY

  constructor(database: Database<OrdersSchema>, clock: Pick<Clock, 'monotonic'>) {
    this.#database = database
    this.#clock = clock
    this.#events = tableSource(database as unknown as Database)
    this.#insert = together(limits.createdTogether, (orders) => insertOrders(database, orders))
  }

  async byKey(userId: string, key: string) {
    if (!isId(userId)) return undefined
    const row = await this.#database.query
      .selectFrom('orders')
      .select(['document', 'body_hash'])
      .where('user_id', '=', userId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst()
    if (!row) return undefined
    const { order, created } = documentOf(row)
    return { order, created, bodyHash: row.body_hash }
  }

  async create(
    order: Order,
    created: OrderView,
    { key, bodyHash }: { key: string; bodyHash: string },
    events: readonly StoredEvent[],
  ) {
    if (await this.#insert({ order, created, key, bodyHash, events })) {
      return { stored: { order, created, bodyHash }, fresh: true }
    }
    const stored = await this.byKey(order.userId, key)
    if (!stored) throw new Failure('unavailable', 'the order with this key could not be read')
    return { stored, fresh: false }
  }

  async get(orderId: string) {
    if (!isId(orderId)) return undefined
    const row = await this.#database.query
      .selectFrom('orders')
      .select('document')
      .where('id', '=', orderId)
      .executeTakeFirst()
    return row && documentOf(row).order
  }

  async getMany(orderIds: readonly string[]) {
    const ids = orderIds.filter(isId)
    if (ids.length === 0) return []
    const rows = await this.#database.query
      .selectFrom('orders')
      .select('document')
      // One text for lists of every length: each text is prepared by itself.
      .where('id', '=', sql<string>`any(${ids}::uuid[])`)
      .execute()
    return rows.map((row) => documentOf(row).order)
  }

  async change(orderId: string, causeEventId: string | undefined, decide: Decide) {
    if (!isId(orderId)) return undefined
    for (let round = 0; round < limits.changeRoundsMax; round++) {
      const result = await changeOnce(this.#database, { orderId, causeEventId, decide })
      if (result !== 'overtaken') return result
    }
    throw new Failure('unavailable', 'the order is being changed by too many at once')
  }

  readonly inTransaction = {
    // biome-ignore lint/suspicious/noExplicitAny: a handler's transaction is over this service's tables
    change: (tx: Tx<any>, changes: Parameters<typeof changeLocked>[1]) => changeLocked(tx, changes),
    // biome-ignore lint/suspicious/noExplicitAny: the same
    tell: async (tx: Tx<any>, notes: readonly Note[]) => void (await tx.hold(telling(notes))),
  }

  async tell(orderId: string, eventId: string, step: StoryStep): Promise<void> {
    await telling([{ orderId, eventId, step }]).execute(this.#database.query)
  }

  async told(orderId: string) {
    const rows = await this.#database.query
      .selectFrom('order_told')
      .select('step')
      .where('order_id', '=', orderId)
      .orderBy('at')
      .orderBy('event_id')
      .limit(storyStepsMax)
      .execute()
    return rows.map((row) => row.step as StoryStep)
  }

  async list(userId: string, { limit, beforeId }: { limit: number; beforeId?: string }) {
    if (!isId(userId)) return []
    const rows = await this.#database.query
      .selectFrom('orders')
      .select('document')
      .where('user_id', '=', userId)
      .$if(beforeId !== undefined, (select) => select.where('id', '<', beforeId!))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map((row) => documentOf(row).order)
  }

  async totals(userId: string) {
    if (!isId(userId)) return { orders: 0, spentMinor: 0 }
    const row = await this.#database.query
      .selectFrom('orders')
      .select(({ fn }) => [
        fn.countAll<string>().as('orders'),
        sql<string>`coalesce(sum((document #>> '{order,total,amountMinor}')::bigint) FILTER
          (WHERE status IN (${sql.join(statusesThat('paid'))})), 0)`.as('spent'),
      ])
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    return { orders: Number(row.orders), spentMinor: Number(row.spent) }
  }

  async openOrders(userId: string, { limit, afterId }: { limit: number; afterId?: string }) {
    const rows = await this.#database.query
      .selectFrom('orders')
      .select('document')
      .where('user_id', '=', userId)
      .where('status', 'in', statusesThat('open'))
      .$if(afterId !== undefined, (select) => select.where('id', '>', afterId!))
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map((row) => documentOf(row).order)
  }

  async awaitingPaymentCall(limit: number) {
    const rows = await this.#database.query
      .selectFrom('orders')
      .select('document')
      .where(sql<string>`document #>> '{order,paymentStep}'`, '=', sql.lit('calling'))
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map((row) => documentOf(row).order)
  }

  async underWay({ madeBeforeMs, max }: { madeBeforeMs: number; max: number }) {
    const { rows } = await sql<{ count: string }>`
      SELECT count(*) FROM (
        SELECT FROM orders WHERE status IN (${sql.join(underWayStatuses.map((status) => sql.lit(status)))})
          AND id <= ${lastIdOf(madeBeforeMs)}::uuid LIMIT ${max}
      ) AS counted`.execute(this.#database.query)
    return Number(rows[0]?.count ?? 0)
  }

  async sagas({ statuses, sort, limit, beyondId, madeBeforeMs }: SagaPage) {
    const beyond =
      beyondId === undefined ? sql`` : sql`AND id ${sql.raw(sort === 'newest' ? '<' : '>')} ${beyondId}::uuid`
    const made = madeBeforeMs === undefined ? sql`` : sql`AND id <= ${lastIdOf(madeBeforeMs)}::uuid`
    const direction = sql.raw(sort === 'newest' ? 'DESC' : 'ASC')
    // One bounded walk for each status: together, the planner might walk past every completed order to find a few others.
    const walks = statuses.map(
      (status) => sql`(SELECT id, document FROM orders WHERE status = ${sql.lit(status)} ${beyond} ${made}
        ORDER BY id ${direction} LIMIT ${limit})`,
    )
    const { rows } = await sql<{ document: OrderDocument | string }>`
      SELECT document FROM (${sql.join(walks, sql` UNION ALL `)}) AS walks ORDER BY id ${direction} LIMIT ${limit}`.execute(
      this.#database.query,
    )
    return rows.map((row) => documentOf(row).order)
  }

  async sagaTotals(max: number) {
    const counts = orderStatuses.map(
      (status) => sql`SELECT ${sql.lit(status)} AS status, count(*) AS count
        FROM (SELECT FROM orders WHERE status = ${sql.lit(status)} LIMIT ${max}) AS counted`,
    )
    const { rows } = await sql<{ status: OrderStatus; count: string }>`${sql.join(counts, sql` UNION ALL `)}`.execute(
      this.#database.query,
    )
    return new Map(rows.map(({ status, count }) => [status, Number(count)]))
  }

  async setStanding(userId: string, { version, blocked }: { version: number; blocked: boolean }) {
    await this.#database.query
      .insertInto('user_standing')
      .values({ user_id: userId, version, blocked })
      .onConflict((conflict) =>
        conflict.column('user_id').doUpdateSet({ version, blocked }).where('user_standing.version', '<', version),
      )
      .execute()
  }

  async isBlocked(userId: string) {
    if (!isId(userId)) return false
    const row = await this.#database.query
      .selectFrom('user_standing')
      .select('blocked')
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row?.blocked ?? false
  }

  startOver(): void {
    this.#leftoversMovedAt = Number.NEGATIVE_INFINITY
    this.#events.startOver?.()
  }

  async pending(eventsMax: number) {
    if (this.#clock.monotonic() - this.#leftoversMovedAt >= leftoversEveryMs) {
      await moveLeftovers(this.#database)
      this.#leftoversMovedAt = this.#clock.monotonic()
    }
    return this.#events.pending(eventsMax)
  }

  markSent(events: readonly StoredEvent[]) {
    return this.#events.markSent(events)
  }

  markSentAndRead(sent: readonly StoredEvent[], eventsMax: number) {
    return this.#events.markSentAndRead!(sent, eventsMax)
  }

  oldestAt() {
    return this.#events.oldestAt()
  }
}
