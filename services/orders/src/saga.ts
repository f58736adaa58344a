/**
 * The order saga: a pure state machine. `decide(order, input, moment)` gives the order after the input and what has to
 * be said because of it; the store writes both in one document. Orders alone decides (reliability rule 6): the other
 * services only answer.
 *
 *   pending ──stock.reserved──▶ processing ──payment.completed──▶ paid ──delivery.shipped──▶ shipped ──▶ completed
 *      │                            │                              │                            │
 *      ├─stock.rejected─▶ rejected ◀┴─payment.failed               └──── delivery.failed ───────┤
 *      └─cancel, user blocked ─▶ cancelled ◀─ payment undone ─ cancelling ◀─ cancel (not once shipped)
 *
 * Compensations run in reverse: the payment is undone first (`cancelling`), then `order.cancelled` releases or restocks.
 */
import type { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import type { OrderStatus, StoryStep } from '@svyaz/contracts/http/orders.ts'
import type { EventData } from '@svyaz/contracts/vocabulary.ts'
import { type Order, type OrderLine, type PaymentStep, totalOf, withStep } from './domain.ts'

type Missing = EventData<typeof inventoryEvents, 'stock.rejected'>['missing']

export type SagaInput =
  | { type: 'stock.reserved'; itemsVersion: number }
  | { type: 'stock.rejected'; itemsVersion: number; missing: Missing }
  | { type: 'stock.released'; from: 'reserved' | 'sold' }
  | { type: 'processPayment.charged'; processorId: string }
  | { type: 'processPayment.declined'; reason: string }
  | { type: 'processPayment.unknown'; reason: string }
  | { type: 'payment.completed'; worker: string; processorId: string }
  | { type: 'payment.failed'; worker: string; reason: string }
  | { type: 'payment.refunded' | 'payment.voided'; worker: string }
  | { type: 'delivery.scheduled' | 'delivery.shipped' | 'delivery.delivered' | 'delivery.returned'; tracking: string }
  | { type: 'delivery.failed'; reason: string }
  | { type: 'told'; via: 'smtp' | 'websocket'; what: string; detail: string }
  | { type: 'change'; items: OrderLine[]; reserveAt: string }
  | { type: 'cancel'; reason: string; by: string }
  | { type: 'user.blocked' }

export type OrderEventType = `order.${'created' | 'changed' | 'paid' | 'completed' | OrderStatus}` & string
export interface Moment {
  at: string
  eventId?: string
  traceId?: string
}
export interface Said {
  /** An event about the order as it is after this decision, or a task for payments. */
  type: Exclude<OrderEventType, 'order.pending'> | 'payment.charge' | 'payment.refund'
  /** The order as the event shows it. */
  order: Order
}
export interface Decision {
  order: Order
  said: Said[]
}

/** Which status allows which wish of the user. */
export const allowed: Record<'change' | 'cancel', ReadonlySet<OrderStatus>> = {
  change: new Set(['pending']),
  cancel: new Set(['pending', 'processing', 'paid', 'cancelling', 'cancelled']),
}

/** The first decision: the order as created. */
export const create = (order: Order, moment: Moment): Decision => {
  const first = withStep(order, {
    ...moment,
    service: 'orders',
    via: 'http',
    what: 'order accepted',
    detail: `${order.items.length} line(s), payment ${order.payment}`,
    status: order.status,
  })
  return { order: first, said: [{ type: 'order.created', order: first }] }
}

/** The next state and what is said because of it. Pure; an input that no longer fits changes nothing but the story. */
export const decide = (before: Order, input: SagaInput, moment: Moment): Decision => {
  const draft = new Draft(before, moment)
  step(draft, input)
  return draft.done()
}

/** Collects one decision: status changes count versions, so every change of status is an event of its own. */
class Draft {
  order: Order
  readonly #moment: Moment
  readonly #said: Said[] = []

  constructor(order: Order, moment: Moment) {
    this.order = order
    this.#moment = moment
  }

  note(service: string, via: StoryStep['via'], what: string, detail?: string): void {
    this.order = withStep(this.order, {
      ...this.#moment,
      service,
      via,
      what,
      ...(detail === undefined ? {} : { detail }),
      status: this.order.status,
    })
  }

  /** Moves the order to a status and says so. */
  become(status: Exclude<OrderStatus, 'pending'>, more: Partial<Order> = {}): void {
    this.#publish(`order.${status}`, { ...more, status })
  }

  changed(more: Partial<Order>): void {
    this.#publish('order.changed', { ...more, itemsVersion: this.order.version + 1 })
  }

  /** The payment's step, with its task on the work queue where it has one. */
  pay(paymentStep: PaymentStep): void {
    this.order = { ...this.order, paymentStep }
    if (paymentStep === 'queued') this.#said.push({ type: 'payment.charge', order: this.order })
    if (paymentStep === 'undoing') this.#said.push({ type: 'payment.refund', order: this.order })
  }

  #publish(type: Exclude<OrderEventType, 'order.pending'>, more: Partial<Order>): void {
    this.order = { ...this.order, ...more, version: this.order.version + 1, updatedAt: this.#moment.at }
    this.#said.push({ type, order: this.order })
  }

  done(): Decision {
    return { order: this.order, said: this.#said }
  }
}

const step = (draft: Draft, input: SagaInput): void => {
  const { status, itemsVersion } = draft.order
  switch (input.type) {
    case 'stock.reserved':
      if (status !== 'pending' || input.itemsVersion !== itemsVersion) return stale(draft, 'inventory', input.type)
      draft.become('processing')
      draft.note('inventory', 'topic', 'stock reserved')
      return askPayment(draft)
    case 'stock.rejected':
      if (status !== 'pending' || input.itemsVersion !== itemsVersion) return stale(draft, 'inventory', input.type)
      draft.become('rejected', { reason: 'out_of_stock' })
      return draft.note('inventory', 'topic', 'not enough stock', missingText(input.missing))
    case 'stock.released':
      return draft.note('inventory', 'topic', input.from === 'sold' ? 'stock put back' : 'stock released')
    case 'processPayment.charged':
      return charged(draft, 'grpc', `processor ${input.processorId}`)
    case 'payment.completed':
      return charged(draft, 'topic', `by ${input.worker}, processor ${input.processorId}`)
    case 'processPayment.declined':
      return declined(draft, 'grpc', input.reason)
    case 'payment.failed':
      return declined(draft, 'topic', input.reason)
    case 'processPayment.unknown':
      if (status !== 'processing' || draft.order.paymentStep !== 'calling') return
      draft.pay('queued')
      return draft.note('orders', 'queue', 'payment is away: the charge is queued', input.reason)
    case 'payment.refunded':
    case 'payment.voided':
      if (status !== 'cancelling') return stale(draft, 'payments', input.type)
      draft.pay('undone')
      draft.become('cancelled')
      return draft.note(
        'payments',
        'topic',
        input.type === 'payment.voided' ? 'payment voided' : 'payment refunded',
        `by ${input.worker}`,
      )
    case 'delivery.scheduled':
    case 'delivery.returned':
      return draft.note('delivery', 'topic', input.type.replace('.', ' '), input.tracking)
    case 'delivery.shipped':
      if (status !== 'paid') return stale(draft, 'delivery', input.type)
      draft.become('shipped')
      return draft.note('delivery', 'topic', 'shipped', input.tracking)
    case 'delivery.delivered':
      if (status !== 'paid' && status !== 'shipped') return stale(draft, 'delivery', input.type)
      draft.become('completed')
      return draft.note('delivery', 'topic', 'delivered', input.tracking)
    case 'delivery.failed':
      if (status !== 'paid' && status !== 'shipped') return stale(draft, 'delivery', input.type)
      draft.note('delivery', 'topic', 'delivery failed', input.reason)
      return undoPayment(draft, 'delivery_failed')
    case 'told':
      return draft.note('notifications', input.via, input.what, input.detail)
    case 'change':
      if (!allowed.change.has(status)) return
      draft.changed({ items: input.items, total: totalOf(input.items), reserveAt: input.reserveAt })
      return draft.note('orders', 'http', 'items changed')
    case 'cancel':
      return cancel(draft, input.reason, input.by)
    case 'user.blocked':
      return cancel(draft, 'user_blocked', 'users')
  }
}

const askPayment = (draft: Draft): void => {
  const now = draft.order.payment === 'now'
  draft.pay(now ? 'calling' : 'queued')
  draft.note('orders', now ? 'grpc' : 'queue', now ? 'asked payments to charge now' : 'charge task queued')
}

const charged = (draft: Draft, via: StoryStep['via'], detail: string): void => {
  // The answer of ProcessPayment and its event say the same thing.
  if (draft.order.paymentStep === 'charged') return
  if (draft.order.status !== 'processing') return stale(draft, 'payments', 'payment charged')
  draft.pay('charged')
  draft.become('paid')
  draft.note('payments', via, 'payment charged', detail)
}

const declined = (draft: Draft, via: StoryStep['via'], reason: string): void => {
  if (draft.order.paymentStep === 'refused') return
  if (draft.order.status !== 'processing') return stale(draft, 'payments', 'payment declined')
  draft.pay('refused')
  draft.become('rejected', { reason: 'payment_declined' })
  draft.note('payments', via, 'payment declined', reason)
}

const cancel = (draft: Draft, reason: string, by: string): void => {
  const { status } = draft.order
  if (status === 'pending') {
    // Nothing was asked of payments: its opened payment order is closed by the event itself.
    draft.become('cancelled', { reason })
    return draft.note(by, by === 'users' ? 'topic' : 'http', 'cancelled', reason)
  }
  if (status !== 'processing' && status !== 'paid') return
  draft.note(by, by === 'users' ? 'topic' : 'http', 'asked to cancel', reason)
  undoPayment(draft, reason)
}

const undoPayment = (draft: Draft, reason: string): void => {
  draft.become('cancelling', { reason })
  draft.pay('undoing')
  draft.note('orders', 'queue', 'refund task queued', reason)
}

/** An answer that came too late, or to another version: kept in the story, otherwise ignored. */
const stale = (draft: Draft, service: string, what: string): void =>
  draft.note(service, 'topic', `${what}: too late, ignored`)

const missingText = (missing: Missing): string =>
  missing.map((line) => `${line.productId}: ${line.requested} wanted, ${line.available} there`).join('; ')
