/**
 * The catalogue, open to everyone, and the restocking of one product. Reservations are not operations: they follow from
 * events.
 */
import { getProduct, listProducts, type Product, restockProduct } from '@svyaz/contracts/http/inventory.ts'
import { toDisplay } from '@svyaz/contracts/primitives.ts'
import { type Context, Failure, type HttpHandler, handle, signedIn } from '@svyaz/kit'
import type { Settings } from './config.ts'
import { type InventorySchema, restock } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: Context<Settings, InventorySchema>): HttpHandler[] => {
  const products = () =>
    context.database.query
      .selectFrom('products')
      .innerJoin('stock', 'stock.product_id', 'products.id')
      .select(['id', 'name', 'category', 'description', 'price_minor', 'available'])
  return [
    handle(listProducts, async ({ query }) => {
      const { cursor, category, q } = query
      const rows = await products()
        .$if(cursor !== undefined, (select) => select.where('id', '>', cursor!))
        .$if(category !== undefined, (select) => select.where('category', '=', category!))
        // position(), not LIKE: the words of a search are not a pattern.
        .$if(q !== undefined, (select) =>
          select.where(({ eb, fn, val }) =>
            eb(fn<number>('strpos', [fn('lower', ['name']), val(q!.toLowerCase())]), '>', 0),
          ),
        )
        .orderBy('id')
        .limit(query.limit + 1)
        .execute()
      const page = rows.slice(0, query.limit)
      const last = page.at(-1)
      return { body: page.map(viewOf), ...(rows.length > page.length && last ? { nextCursor: last.id } : {}) }
    }),

    handle(getProduct, async ({ params }) => {
      const row = await products().where('id', '=', params.id).executeTakeFirst()
      if (!row) throw unknown(params.id)
      return { body: viewOf(row) }
    }),

    handle(restockProduct, async ({ params, body, caller, idempotencyKey }) => {
      // A key is its caller's: what another administrator called the same is another request.
      const key = `http:${signedIn(caller).userId}:${idempotencyKey ?? context.ids.uuid()}`
      const level = await restock(context, key, params.id, body.quantity)
      if (!level) throw unknown(params.id)
      return { body: level }
    }),
  ]
}

const unknown = (id: string) => new Failure('not_found', `there is no product ${id}`)

type ProductRow = Omit<InventorySchema['products'], never> & { available: number }
const viewOf = ({ id, name, category, description, price_minor, available }: ProductRow): Product => {
  const price = { amountMinor: Number(price_minor), currency: 'EUR' as const }
  return { id, name, category, description, price, displayPrice: toDisplay(price), available }
}
