/** Parcels in PostgreSQL. */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import type { Delivery, DeliveryStatus } from '@svyaz/contracts/http/delivery.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { type Context, isStaff, type OutgoingEvent, type SignedIn, type Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import type { Settings } from './config.ts'
import { decide, type Input, type Outcome, type Parcel, positionOf } from './domain.ts'

export interface DeliveryRow {
  order_id: string
  user_id: string
  status: string
  method: string
  tracking_number: string
  version: number
  due_at: Date | string | null
  shipped_at: Date | string | null
  traceparent: string | null
  created_at: Date | string
  updated_at: Date | string
}
export interface DeliverySchema {
  deliveries: DeliveryRow
}
export type DeliveryContext = Context<Settings, DeliverySchema>
export type DeliveryTx = Tx<DeliverySchema>

/** Parcels go by the database's clock: one for all instances, and none of theirs can jump it (reliability rule 19). */
export const databaseNow = sql<Date>`now()`

/** A parcel with the time at which it was read. */
export type TimedRow = DeliveryRow & { now: Date }

const isoOrNone = (value: Date | string | null): string | undefined =>
  value === null ? undefined : new Date(value).toISOString()

/** A row as the domain has it. */
export const parcelOf = (row: DeliveryRow): Parcel => ({
  orderId: row.order_id,
  userId: row.user_id,
  status: row.status as DeliveryStatus,
  method: row.method,
  trackingNumber: row.tracking_number,
  version: row.version,
  dueAt: isoOrNone(row.due_at),
  shippedAt: isoOrNone(row.shipped_at),
})

/** A row as clients see it, with where the parcel is now. */
export const viewOf = (row: TimedRow): Delivery => ({
  orderId: row.order_id,
  userId: row.user_id,
  status: row.status as DeliveryStatus,
  method: row.method as Delivery['method'],
  trackingNumber: row.tracking_number,
  position: positionOf(parcelOf(row), row.now.getTime()),
  createdAt: new Date(row.created_at).toISOString(),
  updatedAt: new Date(row.updated_at).toISOString(),
})

/** The parcels of these orders that the user may see, in one statement: the own ones, all for support and admin. */
export const parcelsFor = async (
  context: DeliveryContext,
  user: SignedIn,
  orderIds: readonly string[],
): Promise<TimedRow[]> => {
  const ids = orderIds.filter(isId)
  if (ids.length === 0) return []
  return (
    context.database.query
      .selectFrom('deliveries')
      .selectAll()
      .select(databaseNow.as('now'))
      // One text for lists of every length: each text is prepared by itself.
      .where('order_id', '=', sql<string>`any(${ids}::uuid[])`)
      .$if(!isStaff(user), (select) => select.where('user_id', '=', user.userId))
      .execute()
  )
}

/** What is known of an order when its parcel is drafted. */
export interface Drafted {
  readonly orderId: string
  readonly userId: string
  readonly deliveryMethod: string
  readonly traceparent: string | undefined
}

/** Drafts the parcels of orders, each once. */
export const draftParcels = async (
  context: Pick<DeliveryContext, 'clock'>,
  tx: DeliveryTx,
  orders: readonly Drafted[],
): Promise<void> => {
  const now = context.clock.iso()
  // From the order's random part: readable, and unique without a counter that instances would fight over.
  const numberOf = (orderId: string) => `SV${orderId.replaceAll('-', '').slice(-12).toUpperCase()}`
  await tx.hold(sql`
    INSERT INTO deliveries (order_id, user_id, status, method, tracking_number, version, traceparent, created_at, updated_at)
    SELECT order_id, user_id, 'draft', method, tracking_number, 0, traceparent, ${now}::timestamptz, ${now}::timestamptz
    FROM unnest(
      ${orders.map(({ orderId }) => orderId)}::uuid[], ${orders.map(({ userId }) => userId)}::uuid[],
      ${orders.map(({ deliveryMethod }) => deliveryMethod)}::text[],
      ${orders.map(({ orderId }) => numberOf(orderId))}::text[],
      ${orders.map(({ traceparent }) => traceparent ?? null)}::text[]
    ) AS drafted (order_id, user_id, method, tracking_number, traceparent)
    ORDER BY order_id ON CONFLICT (order_id) DO NOTHING`)
}

/** An input for the parcel of an order, and the trace that it belongs to. */
export interface Asked {
  readonly orderId: string
  readonly input: Input
  readonly traceparent: string | undefined
}

interface Moved {
  readonly outcome: Outcome
  readonly traceparent: string | undefined
}

/**
 * Locks the parcels, in one order so that two transactions don't deadlock; decides in the order given, each on what the
 * last made of its parcel; writes and says all of it together. Returns for each whether anything happened.
 */
export const applyInputs = async (
  context: DeliveryContext,
  tx: DeliveryTx,
  asked: readonly Asked[],
): Promise<boolean[]> => {
  const ids = [...new Set(asked.map(({ orderId }) => orderId))]
  const { rows } = await sql<TimedRow>`
    SELECT *, ${databaseNow} AS now FROM deliveries WHERE order_id = ANY (${ids}::uuid[])
    ORDER BY order_id FOR UPDATE`.execute(tx)
  const parcels = new Map(rows.map((row) => [row.order_id, parcelOf(row)]))
  const now = rows[0]?.now.getTime() ?? 0
  const moved: Moved[] = []
  const happened = asked.map(({ orderId, input, traceparent }) => {
    const parcel = parcels.get(orderId)
    const outcome = parcel && decide(parcel, input, { now, ...context.settings.current() })
    if (!outcome) return false
    parcels.set(orderId, outcome.parcel)
    moved.push({ outcome, traceparent })
    return true
  })
  if (moved.length > 0) await write(context, tx, moved)
  return happened
}

const write = async (context: DeliveryContext, tx: DeliveryTx, moved: readonly Moved[]): Promise<void> => {
  const at = context.clock.iso()
  // A parcel that moved twice is written as it is in the end.
  const last = [...new Map(moved.map((one) => [one.outcome.parcel.orderId, one])).values()]
  const parcels = last.map(({ outcome }) => outcome.parcel)
  await tx.hold(sql`
    UPDATE deliveries SET status = next.status, version = next.version, due_at = next.due_at,
      shipped_at = next.shipped_at, updated_at = ${at}::timestamptz,
      traceparent = coalesce(next.traceparent, deliveries.traceparent)
    FROM unnest(
      ${parcels.map(({ orderId }) => orderId)}::uuid[], ${parcels.map(({ status }) => status)}::text[],
      ${parcels.map(({ version }) => version)}::integer[], ${parcels.map(({ dueAt }) => dueAt ?? null)}::timestamptz[],
      ${parcels.map(({ shippedAt }) => shippedAt ?? null)}::timestamptz[],
      ${last.map(({ traceparent }) => traceparent ?? null)}::text[]
    ) AS next (order_id, status, version, due_at, shipped_at, traceparent)
    WHERE deliveries.order_id = next.order_id`)
  const events = moved.flatMap((one) => saidOf(one, at))
  if (events.length > 0) await context.outbox.add(tx, ...events)
}

const saidOf = ({ outcome, traceparent }: Moved, at: string): OutgoingEvent<typeof deliveryEvents>[] => {
  const { parcel, said } = outcome
  if (!said) return []
  const { orderId, userId, version, trackingNumber } = parcel
  const data = { orderId, userId, version, trackingNumber, at }
  const event = { topic: deliveryEvents, key: orderId, traceparent }
  return said === 'delivery.failed'
    ? [{ ...event, type: said, data: { ...data, reason: 'lost on the way' } }]
    : [{ ...event, type: said, data }]
}
