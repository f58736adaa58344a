/** How orders, their events and what is told of them are written: each time one statement for all that is known. */
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { type Database, outboxInsertion, type StoredEvent, type Tx } from '@svyaz/kit'
import { type RawBuilder, sql } from 'kysely'
import type { Order } from '../domain.ts'
import { afterDecision, type Changed, type ChangeOf, type Note, type OrderDocument } from '../storage.ts'
import type { OrdersSchema } from './schema.ts'

export interface NewOrder {
  readonly order: Order
  readonly created: OrderView
  readonly key: string
  readonly bodyHash: string
  readonly events: readonly StoredEvent[]
}

/** Stores orders with their events; false for each whose (user, key) is taken. */
export async function insertOrders(
  { query }: Pick<Database<OrdersSchema>, 'query'>,
  orders: readonly NewOrder[],
): Promise<boolean[]> {
  const documents = orders.map(({ order, created }) => JSON.stringify({ order, created, handled: [], pending: [] }))
  const events = orders.flatMap((order) => order.events)
  const { rows } = await sql<{ id: string }>`
    WITH placed AS (
      INSERT INTO orders (id, user_id, idempotency_key, body_hash, status, revision, document)
      SELECT id, user_id, idempotency_key, body_hash, status, 1, document FROM unnest(
        ${orders.map(({ order }) => order.id)}::uuid[], ${orders.map(({ order }) => order.userId)}::uuid[],
        ${orders.map(({ key }) => key)}::text[], ${orders.map(({ bodyHash }) => bodyHash)}::text[],
        ${orders.map(({ order }) => order.status)}::text[], ${documents}::jsonb[]
      ) AS new (id, user_id, idempotency_key, body_hash, status, document)
      ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING id
    ), said AS (${outboxInsertion(events, sql`key IN (SELECT id::text FROM placed)`)})
    SELECT id FROM placed`.execute(query)
  const placed = new Set(rows.map(({ id }) => id))
  return orders.map(({ order }) => placed.has(order.id))
}

interface Written {
  readonly id: string
  readonly revision: string | number
  readonly document: OrderDocument
}

/** Writes documents, if nobody has since they were read, and what was decided to be said; gives the ids that held. */
function writing(orders: readonly Written[]): RawBuilder<{ id: string }> {
  const events = orders.flatMap(({ document }) => document.pending)
  const documents = orders.map(({ document }) => JSON.stringify({ ...document, pending: [] }))
  return sql<{ id: string }>`
    WITH changed AS (
      UPDATE orders SET document = next.document, status = next.status, revision = orders.revision + 1
      FROM unnest(
        ${orders.map(({ id }) => id)}::uuid[], ${orders.map(({ revision }) => String(revision))}::bigint[],
        ${orders.map(({ document }) => document.order.status)}::text[], ${documents}::jsonb[]
      ) AS next (id, revision, status, document)
      WHERE orders.id = next.id AND orders.revision = next.revision RETURNING orders.id
    ), said AS (${outboxInsertion(events, sql`key IN (SELECT id::text FROM changed)`)})
    SELECT id FROM changed`
}

/** One decision by compare-and-set; `overtaken` when somebody else wrote in between. */
export async function changeOnce(
  { query }: Pick<Database<OrdersSchema>, 'query'>,
  { orderId, causeEventId, decide }: ChangeOf,
): Promise<Changed | undefined | 'overtaken'> {
  const row = await query
    .selectFrom('orders')
    .select(['id', 'document', 'revision'])
    .where('id', '=', orderId)
    .executeTakeFirst()
  if (!row) return undefined
  const before = row.document as OrderDocument
  const document = afterDecision({ ...before, pending: [] }, causeEventId, decide)
  if (!document) return { order: before.order, applied: false }
  const { rows } = await writing([{ id: row.id, revision: row.revision, document }]).execute(query)
  return rows.length > 0 ? { order: document.order, applied: true } : 'overtaken'
}

/**
 * Several decisions in one transaction: the orders are locked, by id, so that two such transactions don't deadlock;
 * decided in the order given, each on what the last one made of its order; and written together.
 */
export async function changeLocked(
  tx: Tx<OrdersSchema>,
  changes: readonly ChangeOf[],
): Promise<(Changed | undefined)[]> {
  const ids = [...new Set(changes.map(({ orderId }) => orderId).filter(isId))]
  const { rows } = await sql<Written>`
    SELECT id, revision, document FROM orders WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE`.execute(tx)
  const documents = new Map(rows.map(({ id, document }) => [id, { ...document, pending: [] } as OrderDocument]))
  const results = changes.map(({ orderId, causeEventId, decide }): Changed | undefined => {
    const before = documents.get(orderId)
    if (!before) return undefined
    const after = afterDecision(before, causeEventId, decide)
    if (!after) return { order: before.order, applied: false }
    documents.set(orderId, after)
    return { order: after.order, applied: true }
  })
  const applied = new Set(changes.flatMap(({ orderId }, index) => (results[index]?.applied ? [orderId] : [])))
  const written = rows.flatMap(({ id, revision }) =>
    applied.has(id) ? [{ id, revision, document: documents.get(id)! }] : [],
  )
  // They are locked, so all of them hold.
  if (written.length > 0) await tx.hold(writing(written))
  return results
}

/** Keeps steps beside their orders, each event once. */
export function telling(notes: readonly Note[]): RawBuilder<unknown> {
  return sql`
    INSERT INTO order_told (order_id, event_id, at, step)
    SELECT order_id, event_id, at, step FROM unnest(
      ${notes.map(({ orderId }) => orderId)}::uuid[], ${notes.map(({ eventId }) => eventId)}::text[],
      ${notes.map(({ step }) => step.at)}::timestamptz[], ${notes.map(({ step }) => JSON.stringify(step))}::jsonb[]
    ) AS note (order_id, event_id, at, step)
    ON CONFLICT (order_id, event_id) DO NOTHING`
}

/** Events that an older version left inside documents: into the outbox, in their order. */
export async function moveLeftovers({ query }: Pick<Database<OrdersSchema>, 'query'>): Promise<void> {
  await sql`
    WITH waiting AS (
      SELECT id, document, pending_since FROM orders WHERE pending_since IS NOT NULL ORDER BY pending_since, id FOR UPDATE
    ), moved AS (
      INSERT INTO svyaz_outbox (id, topic, type, key, subject, data, time, traceparent)
      SELECT event ->> 'id', event ->> 'topic', event ->> 'type', event ->> 'key', event ->> 'subject',
        (event -> 'data')::json, (event ->> 'time')::timestamptz, event ->> 'traceparent'
      FROM waiting, jsonb_array_elements(document -> 'pending') WITH ORDINALITY AS events (event, place)
      ORDER BY pending_since, waiting.id, place ON CONFLICT (id) DO NOTHING
    )
    UPDATE orders SET document = jsonb_set(orders.document, '{pending}', '[]'), pending_since = NULL,
      revision = orders.revision + 1
    FROM waiting WHERE orders.id = waiting.id`.execute(query)
}
