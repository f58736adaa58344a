import { z } from 'zod'
import { id, limits, opaqueId, time } from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { deliveryMethods } from './order-terms.ts'

export const deliveryStatuses = [
  'draft',
  'scheduled',
  'shipped',
  'delivered',
  'failed',
  'cancelled',
  'returned',
] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

export const delivery = z.strictObject({
  orderId: id,
  userId: id,
  status: z.enum(deliveryStatuses),
  method: z.enum(deliveryMethods),
  trackingNumber: z.string().max(limits.labelCharsMax),
  position: z.strictObject({ progress: z.number().min(0).max(1), place: z.string().max(limits.labelCharsMax) }),
  createdAt: time,
  updatedAt: time,
})
export type Delivery = z.output<typeof delivery>

export const listDeliveries = route({
  id: 'listDeliveries',
  service: 'delivery',
  method: 'GET',
  path: '/deliveries',
  summary: 'The delivery of an order: an array of none or one',
  access: { user: true },
  query: z.strictObject({ orderId: opaqueId }),
  status: 200,
  reply: z.array(delivery).max(1),
  errors: ['invalid_request', 'unauthenticated'],
})

export const deliveryRoutes = [listDeliveries] as const
