import { z } from 'zod'
import { displayPrice, limits, money, opaqueProductId, pageCursor, pageQuery, productId, text } from '../primitives.ts'
import { route } from '../vocabulary.ts'

export const product = z.strictObject({
  id: productId,
  name: z.string().max(limits.labelCharsMax),
  category: z.string().max(limits.labelCharsMax),
  description: z.string().max(limits.sentenceCharsMax),
  price: money,
  displayPrice,
  available: z.int().min(0),
})
export type Product = z.output<typeof product>

const count = z.int().min(0)
export const stockLevel = z.strictObject({
  productId,
  available: count,
  reserved: count,
  sold: count,
  stocked: count.meta({ description: 'Initial + restocked; always available + reserved + sold' }),
})

export const listProducts = route({
  id: 'listProducts',
  service: 'inventory',
  method: 'GET',
  path: '/products',
  summary: 'The catalogue',
  access: { anonymous: true, user: true },
  query: z.strictObject({
    ...pageQuery,
    cursor: pageCursor(productId),
    category: text(50).optional(),
    q: text(100).optional(),
  }),
  status: 200,
  reply: z.array(product).max(limits.pageItemsMax),
  errors: ['invalid_request'],
  pages: true,
})

export const getProduct = route({
  id: 'getProduct',
  service: 'inventory',
  method: 'GET',
  path: '/products/{id}',
  summary: 'A product',
  access: { anonymous: true, user: true },
  params: z.strictObject({ id: opaqueProductId }),
  status: 200,
  reply: product,
  errors: ['invalid_request', 'not_found'],
})

export const restockProduct = route({
  id: 'restockProduct',
  service: 'inventory',
  method: 'POST',
  path: '/products/{id}/restock',
  summary: 'Add stock of a product',
  access: { user: ['admin'] },
  params: z.strictObject({ id: opaqueProductId }),
  body: z.strictObject({ quantity: z.int().min(1).max(100_000) }),
  status: 200,
  reply: stockLevel,
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'not_found', 'idempotency_key_reused'],
  idempotencyKey: true,
})

export const inventoryRoutes = [listProducts, getProduct, restockProduct] as const
