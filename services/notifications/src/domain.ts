/** What a user is told about an event, and by which ways: pure. `undefined` means that it is none of their business. */
import { limits } from '@svyaz/contracts/primitives.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'

export interface Notice {
  userId: string
  orderId?: string
  kind: NotificationFrame['kind']
  title: string
  detail?: string
  /** The text of the mail that goes out too; absent = a frame only. */
  mail?: string
}

interface OrderFacts {
  orderId: string
  userId: string
  total: { amountMinor: number; currency: string }
  items: readonly { name: string; quantity: number }[]
  reason?: string | undefined
}

const money = ({ amountMinor, currency }: { amountMinor: number; currency: string }): string =>
  `${(amountMinor / 100).toFixed(2)} ${currency}`

const linesOf = (order: OrderFacts): string => order.items.map((item) => `${item.quantity} × ${item.name}`).join(', ')

/** A map, for a reason is a text from outside, and may be the name of a member that every object has. */
const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries({
    out_of_stock: 'some of it is not in stock',
    payment_declined: 'the payment was declined',
    cancelled_by_user: 'you asked for it',
    user_blocked: 'your account is blocked',
    delivery_failed: 'the parcel could not be delivered',
  }),
)
const because = (reason: string | undefined): string | undefined => reason && (reasons.get(reason) ?? reason)

type OrderKind = Extract<NotificationFrame['kind'], `order.${string}`>

const orderTitles: Record<OrderKind, string> = {
  'order.created': 'Order received',
  'order.changed': 'Order changed',
  'order.processing': 'Stock reserved, payment under way',
  'order.paid': 'Order paid',
  'order.shipped': 'Order shipped',
  'order.completed': 'Order delivered',
  'order.rejected': 'Order rejected',
  'order.cancelling': 'Order is being cancelled',
  'order.cancelled': 'Order cancelled',
}
/** Which of them also go by mail; a payment has a mail of its own. */
const mailed: ReadonlySet<OrderKind> = new Set(['order.completed', 'order.rejected', 'order.cancelled'])

/** What the user is told of a step of the order. */
export const aboutOrder = (kind: OrderKind, order: OrderFacts): Notice => {
  const title = orderTitles[kind]
  const why = because(order.reason)
  return {
    userId: order.userId,
    orderId: order.orderId,
    kind,
    title,
    detail: why ?? `${linesOf(order)}: ${money(order.total)}`,
    ...(mailed.has(kind)
      ? {
          mail: `${title}${why ? `: ${why}` : ''}.\n\n${linesOf(order)}\nTotal ${money(order.total)}\nOrder ${order.orderId}\n`,
        }
      : {}),
  }
}

type PaymentKind = 'payment.completed' | 'payment.refunded' | 'payment.voided'
const paymentTitles: Record<PaymentKind, string> = {
  'payment.completed': 'Payment received',
  'payment.refunded': 'Payment refunded',
  'payment.voided': 'Payment cancelled: nothing was charged',
}

/** What the user is told of the payment. */
export const aboutPayment = (
  kind: PaymentKind,
  payment: { orderId: string; userId: string; amount: { amountMinor: number; currency: string } },
): Notice => {
  const { userId, orderId } = payment
  const title = paymentTitles[kind]
  const detail = money(payment.amount)
  const mail = kind === 'payment.voided' ? {} : { mail: `${title}: ${detail}.\nOrder ${orderId}\n` }
  return { userId, orderId, kind, title, detail, ...mail }
}

/** What the user is told of the parcel. */
export const aboutDelivery = (
  kind: 'delivery.scheduled' | 'delivery.failed',
  parcel: { orderId: string; userId: string; trackingNumber: string; reason?: string },
): Notice => ({
  userId: parcel.userId,
  orderId: parcel.orderId,
  kind,
  title: kind === 'delivery.scheduled' ? 'Delivery scheduled' : 'Delivery failed',
  detail: parcel.reason ?? `tracking number ${parcel.trackingNumber}`,
})

const userTexts = {
  'user.registered': ['Welcome to Svyaz', 'Your account is ready.\n'],
  'user.blocked': ['Your account is blocked', 'Your account was blocked and your open orders are cancelled.\n'],
  'user.unblocked': ['Your account is open again', 'You can sign in and order again.\n'],
} as const

/** What users are told of themselves: welcome, blocked, unblocked. */
export const aboutUser = (
  kind: keyof typeof userTexts,
  user: { userId: string; reason?: string | undefined },
): Notice => {
  const [title, text] = userTexts[kind]
  const reason = user.reason === undefined ? {} : { detail: user.reason }
  return { userId: user.userId, kind, title, ...reason, mail: user.reason ? `${text}Reason: ${user.reason}\n` : text }
}

/** A detail as a frame may carry it: what is longer ends with an ellipsis, and never in the middle of a character. */
export const detailOfFrame = (detail: string): string =>
  detail.length <= limits.sentenceCharsMax ? detail : `${detail.slice(0, limits.sentenceCharsMax - 1).toWellFormed()}…`

/** The same event always gives the same Message-ID: a mail repeated near a kill can be told (reliability rule 15). */
export const messageIdOf = (eventId: string): string => `<${eventId}@svyaz.local>`

/**
 * When a mail that could not be sent is tried again, in ms: full jitter over a bound that doubles.
 *
 * @param attempts made so far, from 1
 * @param random from 0 to 1
 */
export const mailRetryMs = (
  attempts: number,
  bounds: { readonly mailRetryFirstMs: number; readonly mailRetryMaxMs: number },
  random: number,
): number => random * Math.min(bounds.mailRetryFirstMs * 2 ** Math.min(attempts - 1, 20), bounds.mailRetryMaxMs)
