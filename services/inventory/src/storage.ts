/** Products, stock and reservations in PostgreSQL. Stock moves by conditional updates under CHECK constraints only. */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { type Context, type Database, Failure, type Outbox, type Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import { catalogue } from './catalogue.ts'
import type { Column, Line, Move, Outcome, Reservation, ReservationState } from './domain.ts'

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

/** The reservation of an order, its row locked; the lock of the order when there is none yet. */
export const lockReservation = async (tx: InventoryTx, orderId: string): Promise<Reservation | undefined> => {
  const row = await tx
    .selectFrom('reservations')
    .selectAll()
    .where('order_id', '=', orderId)
    .forUpdate()
    .executeTakeFirst()
  return row && reservationOf(row)
}

const reservationOf = (row: InventorySchema['reservations']): Reservation => ({
  orderId: row.order_id,
  itemsVersion: row.items_version,
  state: row.state as ReservationState,
  items: row.items as Line[],
})

/**
 * Stores a reservation, new or changed, in the transaction that moved its stock.
 * @param waitMs it is due so long from now, by the database's clock; undefined: that is as it was
 */
export const writeReservation = async (
  tx: InventoryTx,
  { reservation, waitMs }: Pick<Outcome, 'reservation' | 'waitMs'>,
  traceparent: string | undefined,
): Promise<void> => {
  const values = {
    items_version: reservation.itemsVersion,
    state: reservation.state,
    items: JSON.stringify(reservation.items),
  }
  const dueAt = sql<Date>`now() + make_interval(secs => ${(waitMs ?? 0) / 1_000})`
  await tx
    .insertInto('reservations')
    .values({ order_id: reservation.orderId, ...values, due_at: dueAt, traceparent: traceparent ?? null })
    .onConflict((conflict) =>
      conflict.column('order_id').doUpdateSet({ ...values, ...(waitMs === undefined ? {} : { due_at: dueAt }) }),
    )
    .execute()
}

/** What is short of these lines, the rows of their stock locked in one order so that two orders can't deadlock. */
export const lockAndCompare = async (tx: InventoryTx, items: readonly Line[]) => {
  const rows = await tx
    .selectFrom('stock')
    .select(['product_id', 'available'])
    .where(
      'product_id',
      'in',
      items.map((item) => item.productId),
    )
    .orderBy('product_id')
    .forUpdate()
    .execute()
  const available = new Map(rows.map((row) => [row.product_id, row.available]))
  return items.flatMap(({ productId, quantity }) => {
    const there = available.get(productId) ?? 0
    return there < quantity ? [{ productId, requested: quantity, available: there }] : []
  })
}

const columns: Record<Column, string> = { available: 'available', reserved: 'reserved', sold: 'sold' }

/** Carries out moves and says together what the stock is now, one `stock.changed` a product. */
export const moveStock = async (
  tx: InventoryTx,
  outbox: Outbox,
  moves: readonly Move[],
  at: string,
): Promise<StockLevel[]> => {
  const changed: InventorySchema['stock'][] = []
  for (const move of [...moves].sort((a, b) => a.productId.localeCompare(b.productId))) {
    const from = sql.ref(columns[move.from])
    const to = sql.ref(columns[move.to])
    const { rows } = await sql<InventorySchema['stock']>`
      UPDATE stock SET ${from} = ${from} - ${move.quantity}, ${to} = ${to} + ${move.quantity}, version = version + 1
      WHERE product_id = ${move.productId} AND ${from} >= ${move.quantity}
      RETURNING *`.execute(tx)
    const row = rows[0]
    if (!row) throw new Failure('conflict', `${move.productId} does not have ${move.quantity} ${move.from}`)
    changed.push(row)
  }
  return sayStock(tx, outbox, changed, at)
}

const sayStock = async (
  tx: InventoryTx,
  outbox: Outbox,
  rows: readonly InventorySchema['stock'][],
  at: string,
): Promise<StockLevel[]> => {
  const said = rows.map(({ product_id: productId, available, reserved, sold, stocked, version }) => ({
    version,
    level: { productId, available, reserved, sold, stocked },
  }))
  await outbox.add(
    tx,
    ...said.map(({ version, level }) => ({
      topic: inventoryEvents,
      type: 'stock.changed' as const,
      key: level.productId,
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
    const [level] = await sayStock(tx, context.outbox, [row], context.clock.iso())
    await tx
      .insertInto('restocks')
      .values({ key, product_id: productId, quantity, result: JSON.stringify(level) })
      .execute()
    return level
  })
