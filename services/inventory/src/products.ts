/** What is read of the catalogue, with how much can be ordered now. */
import type { Product } from '@svyaz/contracts/http/inventory.ts'
import { toDisplay } from '@svyaz/contracts/primitives.ts'
import type { Database } from '@svyaz/kit'
import { sql } from 'kysely'
import type { InventorySchema } from './storage.ts'

type InventoryDatabase = Database<InventorySchema>
export type ProductRow = InventorySchema['products'] & { available: number }

const products = (database: InventoryDatabase) =>
  database.query
    .selectFrom('products')
    .innerJoin('stock', 'stock.product_id', 'products.id')
    .select(['id', 'name', 'category', 'description', 'price_minor', 'available'])

/** Those of them that are there, in no order, in one statement. */
export const productsByIds = (database: InventoryDatabase, ids: readonly string[]): Promise<ProductRow[]> =>
  // One text for lists of every length: each text is prepared by itself.
  products(database).where('id', '=', sql<string>`any(${ids}::text[])`).execute()

/** A page of the catalogue by id, and what the next one begins after. `q` is part of a name, whatever its case. */
export const productPage = async (
  database: InventoryDatabase,
  wanted: { limit: number; after?: string | undefined; category?: string | undefined; q?: string | undefined },
): Promise<{ page: ProductRow[]; next: string | undefined }> => {
  const { limit, after, category, q } = wanted
  const rows = await products(database)
    .$if(after !== undefined, (select) => select.where('id', '>', after!))
    .$if(category !== undefined, (select) => select.where('category', '=', category!))
    // position(), not LIKE: the words of a search are not a pattern.
    .$if(q !== undefined, (select) =>
      select.where(({ eb, fn, val }) =>
        eb(fn<number>('strpos', [fn('lower', ['name']), val(q!.toLowerCase())]), '>', 0),
      ),
    )
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  return { page, next: rows.length > limit ? page.at(-1)?.id : undefined }
}

/** A row as clients see it. */
export const viewOf = ({ id, name, category, description, price_minor, available }: ProductRow): Product => {
  const price = { amountMinor: Number(price_minor), currency: 'EUR' as const }
  return { id, name, category, description, price, displayPrice: toDisplay(price), available }
}
