/** The worker that lets time act on parcels. Several instances share them: each takes a row's lock when it decides. */
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { type PollLoop, pollLoop } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits } from './config.ts'
import { applyInput, type DeliveryContext, type DeliveryRow, databaseNow } from './storage.ts'

/** Moves parcels on whose next step is due, and returns how many moved. */
export const moveDue = async (context: DeliveryContext): Promise<number> => {
  const rows = await context.database.query
    .selectFrom('deliveries')
    .selectAll()
    .where('due_at', '<=', databaseNow)
    .orderBy('due_at')
    .limit(limits.parcelsPerRound)
    .execute()
  const moved = await Promise.all(
    rows.map((row) => context.tracer.span('parcel due', { parent: row.traceparent }, () => move(context, row))),
  )
  return moved.filter(Boolean).length
}

/** {@link moveDue}, for as long as the service runs. */
export const dueParcels = (context: DeliveryContext): PollLoop =>
  pollLoop({
    name: 'due-parcels',
    everyMs: limits.parcelsEveryMs,
    clock: context.clock,
    once: () => moveDue(context),
  })

const move = async (context: DeliveryContext, row: DeliveryRow): Promise<boolean> => {
  if (row.status === 'scheduled' && !(await mayShip(context, row.order_id))) {
    await hold(context, row.order_id)
    return false
  }
  const moved = await context.database.transaction((tx) => applyInput(context, tx, row.order_id, { type: 'due' }))
  if (moved && row.status === 'scheduled') context.crashPoint('delivery.after-ship')
  return moved
}

/**
 * A last look at the order before the parcel leaves the house: one that is being cancelled is held back, its event is on
 * the way. When orders can't be asked the parcel waits.
 */
const mayShip = async (context: DeliveryContext, orderId: string): Promise<boolean> => {
  try {
    const order = await context
      .grpc('orders')
      .client(OrderServiceService)
      .getOrder({ id: orderId }, { timeoutMs: limits.orderCheckTimeoutMs, retry: true })
    return order.status === 'paid'
  } catch (error) {
    context.log.warn({ orderId, error: String(error) }, 'the order could not be asked: its parcel waits')
    return false
  }
}

const hold = async (context: DeliveryContext, orderId: string): Promise<void> => {
  await context.database.query
    .updateTable('deliveries')
    .set({ due_at: sql<Date>`now() + make_interval(secs => ${limits.holdMs / 1_000})` })
    .where('order_id', '=', orderId)
    .where('status', '=', 'scheduled')
    .execute()
}
