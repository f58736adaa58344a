/**
 * What the checker judges: facts collected outside the system at one moment when it is quiet. Plain data, so that a
 * saved snapshot can be judged again. Money is in minor units.
 */
import type { StoryCode } from '@svyaz/contracts/http/order-story.ts'

/** A `POST /orders` as its client saw it. Neither `orderId` nor `refused`: no answer came, so it may have happened. */
export interface Attempt {
  readonly userId: string
  readonly key: string
  readonly orderId?: string
  /** The problem code of a definite refusal. */
  readonly refused?: string
}

export interface OrderFact {
  readonly id: string
  readonly userId: string
  readonly key: string
  readonly status: string
  /** Counts the order's events. */
  readonly version: number
  readonly totalMinor: number
  readonly items: readonly { readonly productId: string; readonly quantity: number }[]
}

/** A record of `orders.events`; `eventId` is the same when the outbox sent it twice. */
export interface EventFact {
  readonly partition: number
  readonly offset: number
  readonly eventId: string
  readonly type: string
  readonly orderId: string
  readonly version: number
  readonly status: string
}

export interface PaymentFact {
  readonly orderId: string
  readonly status: string
  readonly amountMinor: number
}

/** A line of the payment processor's own ledger. `key` is that of the charge it is about. */
export type LedgerFact =
  | { readonly type: 'charge'; readonly key: string; readonly succeeded: boolean; readonly amountMinor: number }
  | { readonly type: 'refund' | 'void'; readonly key: string; readonly amountMinor: number }

export interface RestockFact {
  readonly productId: string
  readonly quantity: number
  /** Nobody knows whether it happened: no try had an answer. */
  readonly unanswered?: true
}

export interface StockFact {
  readonly productId: string
  readonly available: number
  readonly reserved: number
  readonly sold: number
  readonly stocked: number
}

export interface MailFact {
  readonly messageId: string
  readonly status: string
}

/** What one WebSocket client got, over all its connections, in the order of arrival. */
export interface FeedFact {
  readonly userId: string
  /** Asked for at the first connection: frames after it were due. */
  readonly after: number
  readonly cursors: readonly number[]
  /** The user's last frame in the database. */
  readonly last: number
}

export interface Snapshot {
  readonly attempts: readonly Attempt[]
  readonly orders: readonly OrderFact[]
  readonly events: readonly EventFact[]
  readonly payments: readonly PaymentFact[]
  readonly ledger: readonly LedgerFact[]
  readonly stock: readonly StockFact[]
  readonly reservations: readonly { readonly orderId: string; readonly state: string }[]
  /** What there was of each product before the first order. */
  readonly initialStock: Readonly<Record<string, number>>
  readonly restocks: readonly RestockFact[]
  /** Mails that notifications decided to send. */
  readonly mails: readonly MailFact[]
  /** Message-IDs that the mail server has. */
  readonly mailsReceived: readonly string[]
  readonly feeds: readonly FeedFact[]
}

/** An event that a service's outbox has, in the order of its commits per key. */
export interface OutboxFact {
  readonly service: string
  readonly position: number
  readonly eventId: string
  readonly topic: string
  readonly key: string
  readonly sent: boolean
}

export interface InboxFact {
  /** Whose database. */
  readonly service: string
  readonly consumer: string
  readonly eventId: string
  readonly state: string
}

/** What orders keeps in a document beside the order. */
export interface OrderRecord {
  readonly orderId: string
  readonly handled: readonly string[]
  readonly story: readonly { readonly code: StoryCode; readonly eventId?: string }[]
}

export interface CommitFact {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** −1: never committed. */
  readonly committed: number
  /** The end of the partition. */
  readonly end: number
}
