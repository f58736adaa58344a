import { z } from 'zod'
import { orderStatus } from '../http/order-story.ts'
import { deliveryMethods, paymentMethods, paymentModes } from '../http/order-terms.ts'
import { pricedLine } from '../http/orders.ts'
import { id, money, storedText, time } from '../primitives.ts'
import { topic } from '../vocabulary.ts'

/**
 * Every event of an order carries the whole order, so a reader needs no second question.
 * `version` counts the order's events, 1..n without a gap. `itemsVersion` is the version that last set the items:
 * reservations are made for it, and answers to another one are ignored.
 */
export const orderSnapshot = z.strictObject({
  orderId: id,
  userId: id,
  version: z.int().min(1),
  itemsVersion: z.int().min(1),
  status: orderStatus,
  items: z.array(pricedLine),
  total: money,
  payment: z.enum(paymentModes),
  paymentMethod: z.enum(paymentMethods),
  deliveryMethod: z.enum(deliveryMethods),
  reserveAt: time.meta({ description: 'Not before: the change window' }),
  reason: storedText.optional(),
  at: time,
})
export type OrderSnapshot = z.output<typeof orderSnapshot>

export const ordersEvents = topic({
  name: 'orders.events',
  summary: 'Every change of an order (publish/subscribe)',
  writer: 'orders',
  readers: ['inventory', 'payments', 'delivery', 'notifications'],
  key: 'order id',
  partitions: 6,
  kind: 'event',
  events: {
    'order.created': orderSnapshot,
    'order.changed': orderSnapshot,
    'order.processing': orderSnapshot,
    'order.paid': orderSnapshot,
    'order.shipped': orderSnapshot,
    'order.completed': orderSnapshot,
    'order.rejected': orderSnapshot,
    'order.cancelling': orderSnapshot,
    'order.cancelled': orderSnapshot,
  },
})
