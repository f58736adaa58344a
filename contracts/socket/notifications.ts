/**
 * WebSocket `/notifications/stream`: one typed envelope each way.
 * Authentication: `Authorization: Bearer` on the upgrade, or the subprotocol pair
 * `svyaz.v1, svyaz.bearer.<access token>` for browsers, which can't set headers (never the query).
 * `?cursor=` resumes after that sequence number; 0 or absent with `?from=now` starts at the present.
 */
import { z } from 'zod'
import { id, limits, time } from '../primitives.ts'

export const notificationKinds = [
  'order.created',
  'order.changed',
  'order.processing',
  'order.paid',
  'order.shipped',
  'order.completed',
  'order.rejected',
  'order.cancelling',
  'order.cancelled',
  'payment.completed',
  'payment.refunded',
  'payment.voided',
  'delivery.scheduled',
  'delivery.failed',
  'user.registered',
  'user.blocked',
  'user.unblocked',
] as const

/** A durable frame: a row with a per-user sequence (reliability rule 10). */
export const notificationFrame = z.strictObject({
  cursor: z.int().min(1).meta({ description: 'Per-user sequence without gaps; resume after it' }),
  kind: z.enum(notificationKinds),
  orderId: id.optional(),
  title: z.string().max(limits.labelCharsMax),
  detail: z.string().max(limits.sentenceCharsMax).optional(),
  at: time,
  eventId: z.string().max(limits.labelCharsMax),
  traceId: z.string().max(limits.traceIdCharsMax).optional(),
})
export type NotificationFrame = z.output<typeof notificationFrame>

/** Not stored, not resumed: where a parcel is right now. */
export const positionFrame = z.strictObject({
  orderId: id,
  progress: z.number(),
  place: z.string(),
  at: time,
})

export const serverMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), userId: id, cursor: z.int(), instance: z.string() }),
  z.strictObject({ type: z.literal('notification'), data: notificationFrame }),
  z.strictObject({ type: z.literal('position'), data: positionFrame }),
])
export type ServerMessage = z.output<typeof serverMessage>

export const clientMessage = z.discriminatedUnion('type', [z.strictObject({ type: z.literal('ping') })])

export const subprotocol = 'svyaz.v1'
export const bearerSubprotocolPrefix = 'svyaz.bearer.'
export const streamPath = '/notifications/stream'

export const closeCodes = {
  goingAway: 1001,
  badRequest: 4400,
  tooSlow: 4008,
  unauthenticated: 4401,
} as const
