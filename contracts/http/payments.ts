import { z } from 'zod'
import { id, limits, money, opaqueId, time } from '../primitives.ts'
import { route } from '../vocabulary.ts'
import { paymentMethods } from './order-terms.ts'

export const paymentStatuses = [
  'requested',
  'charging',
  'charged',
  'declined',
  'voided',
  'refunding',
  'refunded',
] as const
export type PaymentStatus = (typeof paymentStatuses)[number]

export const payment = z.strictObject({
  orderId: id,
  userId: id,
  status: z.enum(paymentStatuses),
  amount: money,
  method: z.enum(paymentMethods),
  worker: z
    .string()
    .max(limits.labelCharsMax)
    .optional()
    .meta({ description: 'The instance that handled its last task' }),
  attempts: z.int().min(0),
  reason: z.string().max(limits.sentenceCharsMax).optional(),
  createdAt: time,
  updatedAt: time,
})
export type Payment = z.output<typeof payment>

export const listPayments = route({
  id: 'listPayments',
  service: 'payments',
  method: 'GET',
  path: '/payments',
  summary: 'The payment of an order: an array of none or one',
  access: { user: true },
  query: z.strictObject({ orderId: opaqueId }),
  status: 200,
  reply: z.array(payment).max(1),
  errors: ['invalid_request', 'unauthenticated'],
})

export const paymentsRoutes = [listPayments] as const
