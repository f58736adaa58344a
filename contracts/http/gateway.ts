/** Operations that the gateway itself answers, calling services over gRPC. */
import { z } from 'zod'
import { byId, opaqueProductId } from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { order } from './orders.ts'

export const followOrder = route({
  id: 'followOrder',
  service: 'gateway',
  method: 'GET',
  path: '/orders/{id}/follow',
  summary: 'Server-sent events: the order now and after each change, until it is final (gRPC server stream behind)',
  access: { user: true },
  params: byId,
  status: 200,
  errors: ['invalid_request', 'unauthenticated', 'not_found', 'unavailable'],
  stream: { event: 'order', data: order },
})

/** Lines of one batch. */
const restockLinesMax = 1000

export const bulkRestock = route({
  id: 'bulkRestock',
  service: 'gateway',
  method: 'POST',
  path: '/products/restock',
  summary: 'Restock many products in one go (gRPC client stream behind); each line once per Idempotency-Key',
  access: { user: ['admin'] },
  body: z.strictObject({
    items: z
      .array(z.strictObject({ productId: opaqueProductId, quantity: z.int().min(1).max(100_000) }))
      .min(1)
      .max(restockLinesMax),
  }),
  status: 200,
  reply: z.strictObject({
    lines: z.int().min(0).max(restockLinesMax),
    units: z.int().min(0),
    unknown: z.array(opaqueProductId).max(restockLinesMax),
  }),
  errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden', 'idempotency_key_reused', 'unavailable'],
  idempotencyKey: true,
})

export const gatewayRoutes = [followOrder, bulkRestock] as const
