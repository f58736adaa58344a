/**
 * The story of an order: what happened to it, step by step, and what remains. Each kind of step is a code with data of
 * its own; words are made where people read them.
 */
import { z } from 'zod'
import { id, limits, productId, time } from '../primitives.ts'
import { notificationKinds } from '../socket/notifications.ts'
import { orderStatuses, paymentModes } from './order-terms.ts'

export const orderStatus = z.enum(orderStatuses)

const text = z.string().max(500)
const by = { worker: text }
const parcel = z.strictObject({ trackingNumber: text })
const why = z.strictObject({ reason: text })
const nothing = z.strictObject({})

/** What may be in a story, and what is said of it. */
export const storyData = {
  order_accepted: z.strictObject({ lines: z.int().min(1), payment: z.enum(paymentModes) }),
  items_changed: nothing,
  stock_reserved: nothing,
  stock_rejected: z.strictObject({
    missing: z
      .array(z.strictObject({ productId, requested: z.int().min(1), available: z.int().min(0) }))
      .max(limits.orderLinesMax),
  }),
  stock_released: nothing.meta({ description: 'What was reserved is free again' }),
  stock_restocked: nothing.meta({ description: 'What was sold is back' }),
  charge_queued: nothing.meta({ description: 'A task for one payment worker' }),
  charge_called: nothing.meta({ description: 'ProcessPayment was or will be called' }),
  charge_fell_back: why.meta({ description: 'The call gave no definite answer: the charge is a task now' }),
  payment_charged: z.strictObject({ processorId: text, worker: text.optional() }),
  payment_declined: why,
  refund_queued: why,
  payment_voided: z.strictObject(by),
  payment_refunded: z.strictObject(by),
  delivery_scheduled: parcel,
  delivery_shipped: parcel,
  delivery_delivered: parcel,
  delivery_returned: parcel,
  delivery_failed: why,
  cancel_requested: why,
  order_cancelled: why.meta({ description: 'Before anything was asked of payments' }),
  mail_sent: z.strictObject({ about: z.enum(notificationKinds), messageId: text }),
  frame_sent: z.strictObject({ about: z.enum(notificationKinds), cursor: z.int().min(0) }),
  answer_ignored: z.strictObject({ answer: text }).meta({
    description: 'It came too late, or for a version that no longer holds',
  }),
} as const
export type StoryCode = keyof typeof storyData
export const storyCodes = Object.keys(storyData) as StoryCode[]

/** A code with its data. */
export type StoryEntry = { [Code in StoryCode]: { code: Code; data: z.output<(typeof storyData)[Code]> } }[StoryCode]

const common = {
  at: time,
  service: z.string().max(100),
  via: z.enum(['http', 'grpc', 'topic', 'queue', 'smtp', 'websocket', 'timer']),
  status: orderStatus.optional().meta({ description: 'The order status after this step' }),
  eventId: z.string().max(200).optional(),
  traceId: z.string().max(32).optional(),
}
type Common = z.output<z.ZodObject<typeof common>>

/** One thing that happened to an order. */
export type StoryStep = Common & StoryEntry
export const storyStep = z.discriminatedUnion(
  'code',
  storyCodes.map((code) => z.strictObject({ ...common, code: z.literal(code), data: storyData[code] })) as never,
) as unknown as z.ZodType<StoryStep, StoryStep>

/** A story keeps its first step and its latest ones. */
export const storyStepsMax = 500

/** What an order may still wait for. */
export const remainingCodes = [
  'reserve_stock',
  'charge_payment',
  'ship',
  'deliver',
  'undo_payment',
  'release_stock',
] as const
export type RemainingCode = (typeof remainingCodes)[number]

export const story = z.strictObject({
  orderId: id,
  status: orderStatus,
  steps: z.array(storyStep).max(storyStepsMax),
  remaining: z
    .array(z.strictObject({ service: z.string().max(100), code: z.enum(remainingCodes), waitingSince: time }))
    .max(remainingCodes.length),
})
export type Story = z.output<typeof story>
