import { z } from 'zod'
import {
  byId,
  displayPrice,
  id,
  limits,
  money,
  opaqueId,
  opaqueProductId,
  pageCursor,
  pageQuery,
  productId,
  quantity,
  text,
  time,
} from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { listSagas } from './order-sagas.ts'
import { orderStatus, story } from './order-story.ts'
import { deliveryMethods, paymentMethods, paymentModes } from './order-terms.ts'

export const orderLine = z.strictObject({ productId, quantity })
export const pricedLine = z.strictObject({
  productId,
  quantity,
  unitPrice: money,
  name: text(limits.labelCharsMax),
})

/** A product is in one line only; a schema can't say that, so the service refuses it with `duplicate_line`. */
const lines = z
  .array(z.strictObject({ productId: opaqueProductId, quantity }))
  .min(1)
  .max(limits.orderLinesMax)

export const order = z.strictObject({
  id,
  userId: id,
  status: orderStatus,
  items: z.array(pricedLine).max(limits.orderLinesMax),
  totalPrice: displayPrice,
  total: money,
  payment: z.enum(paymentModes),
  paymentMethod: z.enum(paymentMethods),
  deliveryMethod: z.enum(deliveryMethods),
  reason: z.string().max(limits.sentenceCharsMax).optional().meta({ description: 'Why it was rejected or cancelled' }),
  version: z.int().min(1),
  createdAt: time,
  updatedAt: time,
})
export type OrderView = z.output<typeof order>

const owned = ['invalid_request', 'unauthenticated', 'not_found'] as const

export const createOrder = route({
  id: 'createOrder',
  service: 'orders',
  method: 'POST',
  path: '/orders',
  summary: 'Place an order',
  access: { user: true },
  body: z.strictObject({
    items: lines,
    userId: opaqueId.optional().meta({ description: 'Another user than the caller: admin only' }),
    payment: z.enum(paymentModes).default('queue'),
    paymentMethod: z.enum(paymentMethods).default('pm_ok').meta({ description: 'Test values' }),
    deliveryMethod: z.enum(deliveryMethods).default('dm_ok').meta({ description: 'Test values' }),
  }),
  status: 201,
  reply: order,
  errors: [
    'invalid_json',
    'invalid_request',
    'unauthenticated',
    'forbidden',
    'user_blocked',
    'out_of_stock',
    'body_too_large',
    'unsupported_media_type',
    'idempotency_key_reused',
    'duplicate_line',
    'unknown_product',
    'unknown_user',
    'unavailable',
  ],
  idempotencyKey: true,
  etag: true,
})

export const listOrders = route({
  id: 'listOrders',
  service: 'orders',
  method: 'GET',
  path: '/orders',
  summary: "A user's orders, newest first",
  access: { user: true },
  query: z.strictObject({ userId: opaqueId, ...pageQuery, cursor: pageCursor(id) }),
  status: 200,
  reply: z.array(order).max(limits.pageItemsMax),
  errors: ['invalid_request', 'unauthenticated', 'forbidden'],
  pages: true,
})

export const getOrder = route({
  id: 'getOrder',
  service: 'orders',
  method: 'GET',
  path: '/orders/{id}',
  summary: 'An order',
  access: { user: true },
  params: byId,
  status: 200,
  reply: order,
  errors: owned,
  etag: true,
})

export const changeOrder = route({
  id: 'changeOrder',
  service: 'orders',
  method: 'PATCH',
  path: '/orders/{id}',
  summary: 'Change the items of a pending order',
  access: { user: true },
  params: byId,
  body: z.strictObject({ items: lines }),
  status: 200,
  reply: order,
  errors: [
    ...owned,
    'invalid_json',
    'order_not_changeable',
    'version_mismatch',
    'duplicate_line',
    'unknown_product',
    'out_of_stock',
  ],
  etag: true,
})

export const cancelOrder = route({
  id: 'cancelOrder',
  service: 'orders',
  method: 'POST',
  path: '/orders/{id}/cancel',
  summary: 'Cancel an order: its payment is voided or refunded, its stock released',
  access: { user: true },
  params: byId,
  status: 200,
  reply: order,
  errors: [...owned, 'order_not_cancellable', 'version_mismatch'],
  etag: true,
})

export const getOrderStory = route({
  id: 'getOrderStory',
  service: 'orders',
  method: 'GET',
  path: '/orders/{id}/story',
  summary: 'What happened to an order, step by step, and what remains',
  access: { user: true },
  params: byId,
  status: 200,
  reply: story,
  errors: owned,
})

export const ordersRoutes = [
  createOrder,
  listOrders,
  getOrder,
  changeOrder,
  cancelOrder,
  getOrderStory,
  listSagas,
] as const
