import { z } from 'zod'
import { paymentMethods } from '../http/order-terms.ts'
import { id, money, storedText, time } from '../primitives.ts'
import { topic } from '../vocabulary.ts'

export const paymentWorkersGroup = 'payment-workers'

/** The work queue: each task goes to exactly one worker of the group `payment-workers`. */
export const paymentsTasks = topic({
  name: 'payments.tasks',
  summary: 'Charges and refunds to be made (point-to-point)',
  writer: 'orders',
  readers: ['payments'],
  workers: paymentWorkersGroup,
  key: 'order id',
  partitions: 6,
  kind: 'task',
  events: {
    'payment.charge': z.strictObject({
      orderId: id,
      userId: id,
      amount: money,
      method: z.enum(paymentMethods),
      at: time,
    }),
    'payment.refund': z.strictObject({
      orderId: id,
      userId: id,
      amount: money,
      method: z.enum(paymentMethods),
      reason: storedText,
      at: time,
    }),
  },
})

const outcome = { orderId: id, userId: id, version: z.int().min(1), amount: money, worker: storedText, at: time }

export const paymentsEvents = topic({
  name: 'payments.events',
  summary: 'What became of a payment',
  writer: 'payments',
  readers: ['orders', 'notifications'],
  key: 'order id',
  partitions: 6,
  kind: 'event',
  events: {
    'payment.completed': z.strictObject({ ...outcome, processorId: storedText }),
    'payment.failed': z.strictObject({ ...outcome, reason: storedText }),
    'payment.refunded': z.strictObject(outcome),
    'payment.voided': z.strictObject(outcome).meta({ description: 'Undone before any money moved for good' }),
  },
})
