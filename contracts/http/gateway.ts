/** Operations that the gateway itself answers, calling services over gRPC or putting their answers together. */
import { z } from 'zod'
import { byId, id, limits, opaqueId, opaqueProductId, pageCursor, text, time, wholeNumber } from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { delivery } from './delivery.ts'
import { product } from './inventory.ts'
import { order } from './orders.ts'
import { payment } from './payments.ts'
import { user } from './users.ts'

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

const detailParts = ['user', 'products', 'payment', 'delivery', 'parcels'] as const

export const orderDetails = z.strictObject({
  order,
  user: user.nullable(),
  products: z.array(product).max(limits.orderLinesMax),
  payment: payment.nullable(),
  delivery: delivery.nullable(),
  parcels: z
    .array(delivery.pick({ trackingNumber: true, status: true, position: true }))
    .max(1)
    .nullable(),
  incomplete: z
    .array(z.enum(detailParts))
    .max(detailParts.length)
    .meta({ description: 'Parts that could not be had now; each is null, or a list of what could' }),
})

export const getOrderDetails = route({
  id: 'getOrderDetails',
  service: 'gateway',
  method: 'GET',
  path: '/orders/{id}/details',
  summary: 'An order with what every other service knows of it; parts that are away are named',
  access: { user: true },
  params: byId,
  status: 200,
  reply: orderDetails,
  errors: ['invalid_request', 'unauthenticated', 'not_found', 'unavailable'],
})

/** Each order of a page is several questions. */
const detailsPageMax = 20

export const listOrderDetails = route({
  id: 'listOrderDetails',
  service: 'gateway',
  method: 'GET',
  path: '/orders/details',
  summary: "A page of a user's orders, newest first, each with its details",
  access: { user: true },
  query: z.strictObject({
    userId: opaqueId,
    limit: wholeNumber(1, detailsPageMax).default(detailsPageMax),
    cursor: pageCursor(id),
  }),
  status: 200,
  reply: z.array(orderDetails).max(detailsPageMax),
  errors: ['invalid_request', 'unauthenticated', 'forbidden', 'unavailable'],
  pages: true,
})

/** Put together by routes of the gateway that say so (services/gateway/src/routes.ts). */
export const aggregatedRoutes = [getOrderDetails, listOrderDetails] as const

const version = z
  .string()
  .max(limits.labelCharsMax)
  .meta({ description: 'As the config service calls it; empty for the defaults' })
const source = text(limits.labelCharsMax).meta({ description: 'The property source it was taken from, or `defaults`' })
/** Routes and settings that one answer may list. */
const routesMax = 200
const settingsMax = 50
const refusedFaultsMax = 20

export const routesInForce = z.strictObject({
  instance: z.string().max(limits.labelCharsMax).meta({ description: 'The gateway that answers: each has its own' }),
  from: z
    .enum(['defaults', 'file', 'config service'])
    .meta({ description: '`file`: the copy on disk of what the config service said last' }),
  version,
  since: time,
  refused: z
    .strictObject({
      from: z.enum(['file', 'config service']),
      version,
      at: time,
      faults: z
        .array(z.strictObject({ pointer: text(limits.sentenceCharsMax), detail: text(limits.sentenceCharsMax) }))
        .max(refusedFaultsMax)
        .meta({ description: 'JSON Pointers into the properties, e.g. `/routes/3/timeoutMs`' }),
    })
    .nullable()
    .meta({
      description: 'The last change that broke the schema since this instance started; what held before holds on',
    }),
  redis: z
    .enum(['none', 'here', 'away'])
    .meta({ description: '`here`: limits and kept answers are shared with other gateways' }),
  settings: z
    .array(
      z.strictObject({
        name: text(limits.labelCharsMax),
        value: z.json(),
        source,
      }),
    )
    .max(settingsMax)
    .meta({ description: 'Every setting but the routes' }),
  routesSource: source,
  routes: z
    .array(
      z
        .looseObject({ prefix: text(limits.labelCharsMax), service: text(limits.labelCharsMax) })
        .meta({ description: 'As in the property `routes`, with what was left out filled in' }),
    )
    .max(routesMax),
})

export const getRoutesInForce = route({
  id: 'getRoutesInForce',
  service: 'gateway',
  method: 'GET',
  path: '/admin/gateway/routes',
  summary: 'The routes and limits that this gateway goes by, where they came from, and what was refused',
  access: { user: ['admin'] },
  status: 200,
  reply: routesInForce,
  errors: ['unauthenticated', 'forbidden'],
})

export const gatewayRoutes = [followOrder, bulkRestock, getRoutesInForce, ...aggregatedRoutes] as const
