import { z } from 'zod'
import { id, money, time } from '../primitives.ts'
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
  worker: z.string().optional().meta({ description: 'The instance that handled its last task' }),
  attempts: z.int(),
  reason: z.string().optional(),
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
  query: z.strictObject({ orderId: id }),
  status: 200,
  reply: z.array(payment),
  errors: ['invalid_request', 'unauthenticated'],
})

export const paymentsRoutes = [listPayments] as const
