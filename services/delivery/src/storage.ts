/** Parcels in PostgreSQL. */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import type { Delivery, DeliveryStatus } from '@svyaz/contracts/http/delivery.ts'
import type { Context, Tx } from '@svyaz/kit'
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

/** Drafts the parcel of an order, once. */
export const draftParcel = async (
  context: DeliveryContext,
  tx: DeliveryTx,
  order: { orderId: string; userId: string; deliveryMethod: string },
): Promise<void> => {
  const now = context.clock.iso()
  await tx
    .insertInto('deliveries')
    .values({
      order_id: order.orderId,
      user_id: order.userId,
      status: 'draft',
      method: order.deliveryMethod,
      // From the order's random part: readable, and unique without a counter that instances would fight over.
      tracking_number: `SV${order.orderId.replaceAll('-', '').slice(-12).toUpperCase()}`,
      version: 0,
      due_at: null,
      shipped_at: null,
      traceparent: context.tracer.current() ?? null,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('order_id').doNothing())
    .execute()
}

/** Locks the parcel, decides, writes, says. False: nothing happened. */
export const applyInput = async (
  context: DeliveryContext,
  tx: DeliveryTx,
  orderId: string,
  input: Input,
): Promise<boolean> => {
  const row = await tx
    .selectFrom('deliveries')
    .selectAll()
    .select(databaseNow.as('now'))
    .where('order_id', '=', orderId)
    .forUpdate()
    .executeTakeFirst()
  const outcome = row && decide(parcelOf(row), input, { now: row.now.getTime(), ...context.settings.current() })
  if (!outcome) return false
  await write(context, tx, outcome)
  return true
}

const write = async (context: DeliveryContext, tx: DeliveryTx, { parcel, said }: Outcome): Promise<void> => {
  const at = context.clock.iso()
  const { orderId, userId, version, trackingNumber } = parcel
  await tx
    .updateTable('deliveries')
    .set({
      status: parcel.status,
      version,
      due_at: parcel.dueAt ?? null,
      shipped_at: parcel.shippedAt ?? null,
      updated_at: at,
      ...(context.tracer.current() === undefined ? {} : { traceparent: context.tracer.current()! }),
    })
    .where('order_id', '=', orderId)
    .execute()
  if (!said) return
  const data = { orderId, userId, version, trackingNumber, at }
  const event = { topic: deliveryEvents, key: orderId }
  if (said === 'delivery.failed') {
    await context.outbox.add(tx, { ...event, type: said, data: { ...data, reason: 'lost on the way' } })
  } else await context.outbox.add(tx, { ...event, type: said, data })
}
