/** The reservation machine joined to its tables: one transaction per input, its answer in the outbox. */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { type Context, type PollLoop, pollLoop, type Round } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import { decide, type Input, type Outcome } from './domain.ts'
import {
  type InventorySchema,
  type InventoryTx,
  lockAndCompare,
  lockReservation,
  moveStock,
  writeReservation,
} from './storage.ts'

type InventoryContext = Context<Settings, InventorySchema>

/**
 * Applies one input inside the caller's transaction; a reservation that need not wait is made at once.
 * @param waits called after the commit when one has to wait
 */
export const applyInput = async (
  context: InventoryContext,
  tx: InventoryTx,
  orderId: string,
  input: Input,
  waits: () => void = () => undefined,
): Promise<void> => {
  const before = await lockReservation(tx, orderId)
  const outcome = decide(before, input)
  if (!outcome) return
  await write(context, tx, outcome)
  if (outcome.released) await say(context, tx, outcome, 'stock.released')
  if (outcome.waitMs === 0) await reserveNow(context, tx, orderId)
  else if (outcome.waitMs !== undefined) tx.afterCommit(waits)
}

const reserveNow = async (context: InventoryContext, tx: InventoryTx, orderId: string): Promise<void> => {
  const before = await lockReservation(tx, orderId)
  if (before?.state !== 'waiting') return
  const missing = await lockAndCompare(tx, before.items)
  const outcome = decide(before, { type: 'due', missing })
  if (!outcome) return
  await write(context, tx, outcome)
  if (missing.length > 0) {
    const { itemsVersion } = outcome.reservation
    await context.outbox.add(tx, {
      topic: inventoryEvents,
      type: 'stock.rejected',
      key: orderId,
      data: { orderId, itemsVersion, missing, at: context.clock.iso() },
    })
  } else {
    await say(context, tx, outcome, 'stock.reserved')
    tx.afterCommit(() => context.crashPoint('inventory.after-reserve'))
  }
}

const write = async (context: InventoryContext, tx: InventoryTx, outcome: Outcome): Promise<void> => {
  await writeReservation(tx, outcome, context.tracer.current())
  const levels = await moveStock(tx, context.outbox, outcome.moves, context.clock.iso())
  for (const { productId, available } of levels) {
    if (available <= context.settings.current().lowStockAt) context.log.warn({ productId, available }, 'stock runs low')
  }
}

const say = async (
  context: InventoryContext,
  tx: InventoryTx,
  { reservation: { orderId, itemsVersion, items }, released }: Outcome,
  type: 'stock.reserved' | 'stock.released',
): Promise<void> => {
  const data = { orderId, itemsVersion, items: [...items], at: context.clock.iso() }
  if (type === 'stock.reserved') await context.outbox.add(tx, { topic: inventoryEvents, type, key: orderId, data })
  else {
    await context.outbox.add(tx, {
      topic: inventoryEvents,
      type,
      key: orderId,
      data: { ...data, from: released ?? 'reserved' },
    })
  }
}

/** Makes reservations whose change window is over. Returns how many, and when the next is due that it knows of. */
export const reserveDue = async (context: InventoryContext): Promise<Round> => {
  const rows = await context.database.query
    .selectFrom('reservations')
    .select(['order_id', 'traceparent'])
    .select(sql<number>`(1000 * extract(epoch FROM due_at - now()))::float8`.as('due_in_ms'))
    .where('state', '=', 'waiting')
    .where('due_at', '<=', sql<Date>`now() + make_interval(secs => ${limits.reservationsEveryMs / 1_000})`)
    .orderBy('due_at')
    .limit(limits.reservationsPerRound)
    .execute()
  const due = rows.filter((row) => row.due_in_ms <= 0)
  for (const row of due) {
    await context.tracer.span('change window over: reserve', { parent: row.traceparent }, () =>
      context.database.transaction((tx) => reserveNow(context, tx, row.order_id)),
    )
  }
  return { done: due.length, dueInMs: rows[due.length]?.due_in_ms }
}

/** {@link reserveDue}, for as long as the service runs. Several instances share the rows by their locks. */
export const dueReservations = (context: InventoryContext): PollLoop =>
  pollLoop({
    name: 'due-reservations',
    everyMs: limits.reservationsEveryMs,
    clock: context.clock,
    once: () => reserveDue(context),
  })
