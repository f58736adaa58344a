/** The reservation machine joined to its tables: inputs of a transaction together, their answers in the outbox. */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { type Context, type OutgoingEvent, type PollLoop, pollLoop, type Round } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import { decide, type Input, type Outcome, type Reservation } from './domain.ts'
import type { Stock } from './stock.ts'
import {
  type InventorySchema,
  type InventoryTx,
  lockReservations,
  lockStock,
  sayStock,
  type WrittenReservation,
  writeReservations,
  writeStock,
} from './storage.ts'

type InventoryContext = Context<Settings, InventorySchema>

/** An input for the reservation of an order, and the trace that it belongs to. */
export interface Asked {
  readonly orderId: string
  readonly input: Exclude<Input, { type: 'due' }> | { readonly type: 'due' }
  readonly traceparent: string | undefined
}

/**
 * Applies inputs inside the caller's transaction, in the order given: reservations and then stock are locked, each in
 * one order so that two transactions don't deadlock; all is decided on them, and written and said together. A
 * reservation that need not wait is made at once.
 *
 * @param waits called after the commit when one has to wait
 * @throws Failure `conflict` when stock isn't where a reservation says that it is
 */
export const applyInputs = async (
  context: InventoryContext,
  tx: InventoryTx,
  asked: readonly Asked[],
  waits: () => void = () => undefined,
): Promise<void> => {
  const reservations = await lockReservations(tx, [...new Set(asked.map(({ orderId }) => orderId))])
  const items = [...reservations.values(), ...asked.map(({ input }) => input)].flatMap((one) =>
    'items' in one ? one.items : [],
  )
  const stock = await lockStock(tx, [...new Set(items.map(({ productId }) => productId))])
  const batch = new Batch(reservations, stock, context.clock.iso())
  for (const one of asked) batch.apply(one)
  await writeStock(tx, stock)
  await writeReservations(tx, batch.written())
  const changed = stock.changed()
  await sayStock(tx, context.outbox, changed, { at: batch.at, traceparent: asked.at(-1)?.traceparent })
  if (batch.said.length > 0) await context.outbox.add(tx, ...batch.said)
  for (const { productId, available } of changed) {
    if (available <= context.settings.current().lowStockAt) context.log.warn({ productId, available }, 'stock runs low')
  }
  if (batch.waits) tx.afterCommit(waits)
  for (let made = 0; made < batch.made; made++) tx.afterCommit(() => context.crashPoint('inventory.after-reserve'))
}

/** Decides inputs on what is locked, each on what the ones before made of it. */
class Batch {
  readonly at: string
  readonly said: OutgoingEvent<typeof inventoryEvents>[] = []
  waits = false
  /** Reservations that were made. */
  made = 0
  readonly #reservations: Map<string, Reservation>
  readonly #stock: Stock
  readonly #written = new Map<string, WrittenReservation>()

  constructor(reservations: Map<string, Reservation>, stock: Stock, at: string) {
    this.#reservations = reservations
    this.#stock = stock
    this.at = at
  }

  apply({ orderId, input, traceparent }: Asked): void {
    const before = this.#reservations.get(orderId)
    if (input.type === 'due') return this.#reserve(before, traceparent)
    const outcome = decide(before, input)
    if (!outcome) return
    this.#take(outcome, traceparent)
    if (outcome.released) this.#say(outcome.reservation, traceparent, outcome.released)
    if (outcome.waitMs === 0) this.#reserve(outcome.reservation, traceparent)
    else if (outcome.waitMs !== undefined) this.waits = true
  }

  /** Reservations as they are in the end. */
  written(): WrittenReservation[] {
    return [...this.#written.values()]
  }

  #reserve(before: Reservation | undefined, traceparent: string | undefined): void {
    if (before?.state !== 'waiting') return
    const missing = this.#stock.missing(before.items)
    const outcome = decide(before, { type: 'due', missing })
    if (!outcome) return
    this.#take(outcome, traceparent)
    const { orderId, itemsVersion } = outcome.reservation
    if (missing.length === 0) {
      this.made += 1
      return this.#say(outcome.reservation, traceparent)
    }
    const data = { orderId, itemsVersion, missing, at: this.at }
    this.said.push({ topic: inventoryEvents, type: 'stock.rejected', key: orderId, traceparent, data })
  }

  #take({ reservation, moves, waitMs }: Outcome, traceparent: string | undefined): void {
    for (const move of moves) this.#stock.move(move)
    const { orderId } = reservation
    this.#reservations.set(orderId, reservation)
    this.#written.set(orderId, { reservation, waitMs: waitMs ?? this.#written.get(orderId)?.waitMs, traceparent })
  }

  #say(
    { orderId, itemsVersion, items }: Reservation,
    traceparent: string | undefined,
    from?: 'reserved' | 'sold',
  ): void {
    const data = { orderId, itemsVersion, items: [...items], at: this.at }
    const event = { topic: inventoryEvents, key: orderId, traceparent }
    if (from === undefined) this.said.push({ ...event, type: 'stock.reserved', data })
    else this.said.push({ ...event, type: 'stock.released', data: { ...data, from } })
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
    await context.tracer.span('change window over: reserve', { parent: row.traceparent }, ({ traceparent }) =>
      context.database.transaction((tx) =>
        applyInputs(context, tx, [{ orderId: row.order_id, input: { type: 'due' }, traceparent }]),
      ),
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
