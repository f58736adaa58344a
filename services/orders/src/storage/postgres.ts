/** Orders in PostgreSQL: one row each, the document as `jsonb`, with what must be found by SQL beside it. */
import { type StoryStep, storyStepsMax } from '@svyaz/contracts/http/order-story.ts'
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { type Database, Failure, type StoredEvent } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits } from '../config.ts'
import { afterDecision, lastIdOf, type OrderDocument, type OrderStore, underWayStatuses } from '../storage.ts'

export interface OrdersSchema {
  orders: {
    id: string
    user_id: string
    idempotency_key: string
    body_hash: string
    status: string
    revision: string | number
    pending_since: Date | string | null
    document: OrderDocument | string
  }
  user_standing: { user_id: string; version: number; blocked: boolean }
  order_told: { order_id: string; event_id: string; at: Date | string; step: StoryStep | string }
}

/** Orders in PostgreSQL: state and events in one document of a row. */
export const postgresOrderStore = (database: Database<OrdersSchema>, nowIso: () => string): OrderStore => {
  const { query } = database
  const documentOf = (row: { document: OrderDocument | string }): OrderDocument => row.document as OrderDocument

  const byKey: OrderStore['byKey'] = async (userId, key) => {
    if (!isId(userId)) return undefined
    const row = await query
      .selectFrom('orders')
      .select(['document', 'body_hash'])
      .where('user_id', '=', userId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst()
    if (!row) return undefined
    const { order, created } = documentOf(row)
    return { order, created, bodyHash: row.body_hash }
  }

  return {
    byKey,
    async create(order, created, { key, bodyHash }, events) {
      const document: OrderDocument = { order, created, handled: [], pending: [...events] }
      const inserted = await query
        .insertInto('orders')
        .values({
          id: order.id,
          user_id: order.userId,
          idempotency_key: key,
          body_hash: bodyHash,
          status: order.status,
          revision: 1,
          pending_since: events.length > 0 ? nowIso() : null,
          document: JSON.stringify(document),
        })
        .onConflict((conflict) => conflict.columns(['user_id', 'idempotency_key']).doNothing())
        .returning('id')
        .executeTakeFirst()
      if (inserted) return { stored: { order, created, bodyHash }, fresh: true }
      const stored = await byKey(order.userId, key)
      if (!stored) throw new Failure('unavailable', 'the order with this key could not be read')
      return { stored, fresh: false }
    },
    async get(orderId) {
      if (!isId(orderId)) return undefined
      const row = await query.selectFrom('orders').select('document').where('id', '=', orderId).executeTakeFirst()
      return row && documentOf(row).order
    },
    async change(orderId, causeEventId, decide) {
      if (!isId(orderId)) return undefined
      for (let round = 0; round < limits.changeRoundsMax; round++) {
        const row = await query
          .selectFrom('orders')
          .select(['document', 'revision'])
          .where('id', '=', orderId)
          .executeTakeFirst()
        if (!row) return undefined
        const before = documentOf(row)
        const next = afterDecision(before, causeEventId, decide)
        if (!next) return { order: before.order, applied: false }
        const written = await query
          .updateTable('orders')
          .set({
            document: JSON.stringify(next),
            status: next.order.status,
            revision: Number(row.revision) + 1,
            ...(next.pending.length > 0 ? { pending_since: sql<string>`coalesce(pending_since, ${nowIso()})` } : {}),
          })
          .where('id', '=', orderId)
          .where('revision', '=', row.revision)
          .returning('id')
          .executeTakeFirst()
        if (written) return { order: next.order, applied: true }
      }
      throw new Failure('unavailable', 'the order is being changed by too many at once')
    },
    async tell(orderId, eventId, step) {
      await query
        .insertInto('order_told')
        .values({ order_id: orderId, event_id: eventId, at: step.at, step: JSON.stringify(step) })
        .onConflict((conflict) => conflict.columns(['order_id', 'event_id']).doNothing())
        .execute()
    },
    async told(orderId) {
      const rows = await query
        .selectFrom('order_told')
        .select('step')
        .where('order_id', '=', orderId)
        .orderBy('at')
        .orderBy('event_id')
        .limit(storyStepsMax)
        .execute()
      return rows.map((row) => row.step as StoryStep)
    },
    async list(userId, { limit, beforeId }) {
      if (!isId(userId)) return []
      const rows = await query
        .selectFrom('orders')
        .select('document')
        .where('user_id', '=', userId)
        .$if(beforeId !== undefined, (select) => select.where('id', '<', beforeId!))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => documentOf(row).order)
    },
    async totals(userId) {
      if (!isId(userId)) return { orders: 0, spentMinor: 0 }
      const row = await query
        .selectFrom('orders')
        .select(({ fn }) => [
          fn.countAll<string>().as('orders'),
          sql<string>`coalesce(sum((document #>> '{order,total,amountMinor}')::bigint) FILTER
            (WHERE status IN (${sql.join(statusesThat('paid'))})), 0)`.as('spent'),
        ])
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow()
      return { orders: Number(row.orders), spentMinor: Number(row.spent) }
    },
    async openOrders(userId, { limit, afterId }) {
      const rows = await query
        .selectFrom('orders')
        .select('document')
        .where('user_id', '=', userId)
        .where('status', 'in', statusesThat('open'))
        .$if(afterId !== undefined, (select) => select.where('id', '>', afterId!))
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => documentOf(row).order)
    },
    async awaitingPaymentCall(limit) {
      const rows = await query
        .selectFrom('orders')
        .select('document')
        .where(sql<string>`document #>> '{order,paymentStep}'`, '=', sql.lit('calling'))
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => documentOf(row).order)
    },
    async underWay({ madeBeforeMs, max }) {
      const { rows } = await sql<{ count: string }>`
        SELECT count(*) FROM (
          SELECT FROM orders WHERE status IN (${sql.join(underWayStatuses.map((status) => sql.lit(status)))})
            AND id <= ${lastIdOf(madeBeforeMs)}::uuid LIMIT ${max}
        ) AS counted`.execute(query)
      return Number(rows[0]?.count ?? 0)
    },
    async setStanding(userId, { version, blocked }) {
      await query
        .insertInto('user_standing')
        .values({ user_id: userId, version, blocked })
        .onConflict((conflict) =>
          conflict.column('user_id').doUpdateSet({ version, blocked }).where('user_standing.version', '<', version),
        )
        .execute()
    },
    async isBlocked(userId) {
      if (!isId(userId)) return false
      const row = await query
        .selectFrom('user_standing')
        .select('blocked')
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return row?.blocked ?? false
    },
    async pending(eventsMax) {
      const rows = await query
        .selectFrom('orders')
        .select(sql<StoredEvent[]>`document -> 'pending'`.as('pending'))
        .where('pending_since', 'is not', null)
        .orderBy('pending_since')
        .orderBy('id')
        .limit(eventsMax)
        .execute()
      return rows.flatMap((row) => row.pending).slice(0, eventsMax)
    },
    async markSent(events) {
      if (events.length === 0) return
      const ids = events.map((event) => event.id)
      const orderIds = [...new Set(events.map((event) => event.key))]
      // The row's lock orders this with `change`, whose compare-and-set sees the new revision.
      await sql`
        UPDATE orders SET
          document = jsonb_set(document, '{pending}', rest.pending),
          pending_since = CASE WHEN rest.pending = '[]' THEN NULL ELSE pending_since END,
          revision = revision + 1
        FROM (
          SELECT o.id, coalesce(jsonb_agg(e.event ORDER BY e.place)
              FILTER (WHERE e.event IS NOT NULL AND NOT (e.event ->> 'id' = ANY (${ids}))), '[]') AS pending
          FROM (SELECT id, document FROM orders WHERE id = ANY (${orderIds}::uuid[]) ORDER BY id FOR UPDATE) AS o
          LEFT JOIN LATERAL jsonb_array_elements(o.document -> 'pending') WITH ORDINALITY AS e (event, place) ON true
          GROUP BY o.id
        ) AS rest
        WHERE orders.id = rest.id`.execute(query)
    },
    async oldestAt() {
      const row = await query
        .selectFrom('orders')
        .select(sql<Date | null>`min(pending_since)`.as('oldest'))
        .where('pending_since', 'is not', null)
        .executeTakeFirst()
      return row?.oldest ? new Date(row.oldest).getTime() : undefined
    },
  }
}
