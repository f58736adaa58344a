/**
 * The catalogue, open to everyone, and the restocking of one product. Reservations are not operations: they follow from
 * events.
 */
import { getProduct, listProducts, restockProduct } from '@svyaz/contracts/http/inventory.ts'
import { type Context, Failure, type HttpHandler, handle, signedIn } from '@svyaz/kit'
import type { Settings } from './config.ts'
import { productPage, productsByIds, viewOf } from './products.ts'
import { type InventorySchema, restock } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: Context<Settings, InventorySchema>): HttpHandler[] => [
  handle(listProducts, async ({ query }) => {
    const { limit, cursor, ...filter } = query
    const { page, next } = await productPage(context.database, { ...filter, limit, after: cursor })
    return { body: page.map(viewOf), ...(next === undefined ? {} : { nextCursor: next }) }
  }),

  handle(getProduct, async ({ params }) => {
    const [row] = await productsByIds(context.database, [params.id])
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

const unknown = (id: string) => new Failure('not_found', `there is no product ${id}`)
