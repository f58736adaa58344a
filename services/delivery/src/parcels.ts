/** The worker that lets time act on parcels. Several instances share them: each takes a row's lock when it decides. */
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { type PollLoop, pollLoop, type Round, together } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits } from './config.ts'
import { type Asked, applyInputs, type DeliveryContext, type DeliveryRow, databaseNow } from './storage.ts'

/** Moves parcels on whose next step is due. Returns how many moved, and when the next step is due that it knows of. */
export const moveDue = async (context: DeliveryContext): Promise<Round> => {
  const rows = await context.database.query
    .selectFrom('deliveries')
    .selectAll()
    .select(sql<number>`(1000 * extract(epoch FROM due_at - ${databaseNow}))::float8`.as('due_in_ms'))
    .where('due_at', '<=', sql<Date>`${databaseNow} + make_interval(secs => ${limits.parcelsEveryMs / 1_000})`)
    .orderBy('due_at')
    .limit(limits.parcelsPerRound)
    .execute()
  const due = rows.filter((row) => row.due_in_ms <= 0)
  // What is ready while others are being moved is moved together.
  const move = together<Asked, boolean>(limits.parcelsPerRound, (asked) =>
    context.database.transaction((tx) => applyInputs(context, tx, asked)),
  )
  const moved = await Promise.all(
    due.map((row) =>
      context.tracer.span('parcel due', { parent: row.traceparent }, ({ traceparent }) =>
        moveOne(context, row, () => move({ orderId: row.order_id, input: { type: 'due' }, traceparent })),
      ),
    ),
  )
  const done = moved.filter(Boolean).length
  // What is held back is due again a while from now.
  return { done, dueInMs: done < due.length ? limits.holdMs : rows[due.length]?.due_in_ms }
}

/** {@link moveDue}, for as long as the service runs. */
export const dueParcels = (context: DeliveryContext): PollLoop =>
  pollLoop({
    name: 'due-parcels',
    everyMs: limits.parcelsEveryMs,
    clock: context.clock,
    once: () => moveDue(context),
  })

const moveOne = async (context: DeliveryContext, row: DeliveryRow, move: () => Promise<boolean>): Promise<boolean> => {
  if (row.status === 'scheduled' && !(await mayShip(context, row.order_id))) {
    await hold(context, row.order_id)
    return false
  }
  const moved = await move()
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
