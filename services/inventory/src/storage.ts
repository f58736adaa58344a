/** Products, stock and reservations in PostgreSQL. Stock moves by conditional updates under CHECK constraints only. */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { type Context, type Database, Failure, type Outbox, type Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import { catalogue } from './catalogue.ts'
import type { Line, Reservation, ReservationState } from './domain.ts'
import { type Levels, Stock } from './stock.ts'

export interface InventorySchema {
  products: { id: string; name: string; category: string; description: string; price_minor: string | number }
  stock: { product_id: string; available: number; reserved: number; sold: number; stocked: number; version: number }
  reservations: {
    order_id: string
    items_version: number
    state: string
    items: Line[] | string
    due_at: Date | string
    traceparent: string | null
  }
  restocks: {
    key: string
    product_id: string
    quantity: number
    result: StockLevel | string
    created_at: Date | undefined
  }
}
export type InventoryTx = Tx<InventorySchema>

export interface StockLevel {
  productId: string
  available: number
  reserved: number
  sold: number
  stocked: number
}

/** Puts the catalogue in place; what is there stays as it is. */
export const seedCatalogue = (database: Database<InventorySchema>): Promise<void> =>
  database.transaction(async (tx) => {
    await tx
      .insertInto('products')
      .values(
        catalogue.map(({ id, name, category, description, priceMinor }) => ({
          id,
          name,
          category,
          description,
          price_minor: priceMinor,
        })),
      )
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    await tx
      .insertInto('stock')
      .values(
        catalogue.map(({ id, stock }) => ({
          product_id: id,
          available: stock,
          reserved: 0,
          sold: 0,
          stocked: stock,
          version: 1,
        })),
      )
      .onConflict((conflict) => conflict.column('product_id').doNothing())
      .execute()
  })

/** The reservations of these orders, by order id, their rows locked in that order. */
export const lockReservations = async (
  tx: InventoryTx,
  orderIds: readonly string[],
): Promise<Map<string, Reservation>> => {
  const { rows } = await sql<InventorySchema['reservations']>`
    SELECT * FROM reservations WHERE order_id = ANY (${[...orderIds]}::uuid[]) ORDER BY order_id FOR UPDATE`.execute(tx)
  return new Map(rows.map((row) => [row.order_id, reservationOf(row)]))
}

const reservationOf = (row: InventorySchema['reservations']): Reservation => ({
  orderId: row.order_id,
  itemsVersion: row.items_version,
  state: row.state as ReservationState,
  items: row.items as Line[],
})

export interface WrittenReservation {
  readonly reservation: Reservation
  /** It is due so long from now, by the database's clock; undefined: that is as it was. */
  readonly waitMs: number | undefined
  readonly traceparent: string | undefined
}

/** Stores reservations, new or changed, in the transaction that moved their stock. */
export const writeReservations = async (tx: InventoryTx, written: readonly WrittenReservation[]): Promise<void> => {
  if (written.length === 0) return
  const reservations = written.map(({ reservation }) => reservation)
  await tx.hold(sql`
    INSERT INTO reservations (order_id, items_version, state, items, due_at, traceparent)
    SELECT next.order_id, next.items_version, next.state, next.items,
      coalesce(now() + make_interval(secs => next.wait_seconds), before.due_at, now()), next.traceparent
    FROM unnest(
      ${reservations.map(({ orderId }) => orderId)}::uuid[],
      ${reservations.map(({ itemsVersion }) => itemsVersion)}::integer[],
      ${reservations.map(({ state }) => state)}::text[],
      ${reservations.map(({ items }) => JSON.stringify(items))}::jsonb[],
      ${written.map(({ waitMs }) => (waitMs === undefined ? null : waitMs / 1_000))}::float8[],
      ${written.map(({ traceparent }) => traceparent ?? null)}::text[]
    ) AS next (order_id, items_version, state, items, wait_seconds, traceparent)
    LEFT JOIN reservations AS before USING (order_id) ORDER BY order_id
    ON CONFLICT (order_id) DO UPDATE SET items_version = excluded.items_version, state = excluded.state,
      items = excluded.items, due_at = excluded.due_at`)
}

/** The stock of these products, its rows locked in one order. */
export const lockStock = async (tx: InventoryTx, productIds: readonly string[]): Promise<Stock> => {
  if (productIds.length === 0) return new Stock([])
  const { rows } = await sql<Levels>`
    SELECT product_id AS "productId", available, reserved, sold, stocked, version FROM stock
    WHERE product_id = ANY (${[...productIds]}::text[]) ORDER BY product_id FOR UPDATE`.execute(tx)
  return new Stock(rows)
}

/** Carries out what was moved. No column can fall below zero: the table's CHECK constraints see to that. */
export const writeStock = async (tx: InventoryTx, stock: Stock): Promise<void> => {
  const deltas = stock.deltas()
  if (deltas.length === 0) return
  await tx.hold(sql`
    UPDATE stock SET available = stock.available + delta.available, reserved = stock.reserved + delta.reserved,
      sold = stock.sold + delta.sold, version = stock.version + delta.moves
    FROM unnest(
      ${deltas.map(({ productId }) => productId)}::text[], ${deltas.map(({ available }) => available)}::integer[],
      ${deltas.map(({ reserved }) => reserved)}::integer[], ${deltas.map(({ sold }) => sold)}::integer[],
      ${deltas.map(({ moves }) => moves)}::integer[]
    ) AS delta (product_id, available, reserved, sold, moves)
    WHERE stock.product_id = delta.product_id`)
}

/** Says what the stock of products is now, one `stock.changed` each, and returns it. */
export const sayStock = async (
  tx: InventoryTx,
  outbox: Outbox,
  changed: readonly Levels[],
  { at, traceparent }: { at: string; traceparent?: string | undefined },
): Promise<StockLevel[]> => {
  const said = changed.map(({ version, ...level }) => ({ version, level }))
  await outbox.add(
    tx,
    ...said.map(({ version, level }) => ({
      topic: inventoryEvents,
      type: 'stock.changed' as const,
      key: level.productId,
      ...(traceparent === undefined ? {} : { traceparent }),
      data: { ...level, version, at },
    })),
  )
  return said.map(({ level }) => level)
}

/**
 * Adds stock once per key; a repeated key answers the first result. Undefined: no such product.
 * @throws Failure idempotency_key_reused when the key came with another product or quantity.
 */
export const restock = (
  context: Pick<Context<unknown, InventorySchema>, 'database' | 'outbox' | 'clock'>,
  key: string,
  productId: string,
  quantity: number,
): Promise<StockLevel | undefined> =>
  context.database.transaction(async (tx) => {
    // Taken first: two requests with one key wait here for each other.
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(tx)
    const before = await tx.selectFrom('restocks').selectAll().where('key', '=', key).executeTakeFirst()
    if (before) {
      if (before.product_id === productId && before.quantity === quantity) return before.result as StockLevel
      throw new Failure('idempotency_key_reused', 'this Idempotency-Key was used with another restock')
    }
    const row = await tx
      .updateTable('stock')
      .set({
        available: sql`available + ${quantity}`,
        stocked: sql`stocked + ${quantity}`,
        version: sql`version + 1`,
      })
      .where('product_id', '=', productId)
      .returningAll()
      .executeTakeFirst()
    if (!row) return undefined
    const { product_id: restocked, ...columns } = row
    const [level] = await sayStock(tx, context.outbox, [{ productId: restocked, ...columns }], {
      at: context.clock.iso(),
    })
    await tx
      .insertInto('restocks')
      .values({ key, product_id: productId, quantity, result: JSON.stringify(level) })
      .execute()
    return level
  })
