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
import type { StoryEntry, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import type { OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
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

/** What a user asked for, with what inventory said of it. */
export type Placed = Pick<
  Order,
  'id' | 'userId' | 'items' | 'payment' | 'paymentMethod' | 'deliveryMethod' | 'reserveAt'
>

/** The first decision: what an order begins as, and that it is said. */
export function create(placed: Placed, moment: Moment): Decision {
  const order: Order = {
    ...placed,
    status: 'pending',
    version: 1,
    itemsVersion: 1,
    total: totalOf(placed.items),
    paymentStep: 'idle',
    createdAt: moment.at,
    updatedAt: moment.at,
    history: [],
  }
  const first = withStep(order, {
    ...moment,
    service: 'orders',
    via: 'http',
    code: 'order_accepted',
    data: { lines: order.items.length, payment: order.payment },
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

  note(service: string, via: StoryStep['via'], entry: StoryEntry): void {
    this.order = withStep(this.order, { ...this.#moment, service, via, ...entry, status: this.order.status })
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

/** Which step an input is. Each of them says by itself in which status it fits. */
const step = (draft: Draft, input: SagaInput): void => {
  switch (input.type) {
    case 'stock.reserved':
      return stockReserved(draft, input.itemsVersion)
    case 'stock.rejected':
      return stockRejected(draft, input.itemsVersion, input.missing)
    case 'stock.released':
      return stockReleased(draft, input.from)
    case 'processPayment.charged':
      return charged(draft, 'grpc', { processorId: input.processorId })
    case 'payment.completed':
      return charged(draft, 'topic', { worker: input.worker, processorId: input.processorId })
    case 'processPayment.declined':
      return declined(draft, 'grpc', input.reason)
    case 'payment.failed':
      return declined(draft, 'topic', input.reason)
    case 'processPayment.unknown':
      return chargeByQueue(draft, input.reason)
    case 'payment.refunded':
    case 'payment.voided':
      return paymentUndone(draft, input.type, input.worker)
    case 'delivery.scheduled':
      return parcel(draft, 'delivery_scheduled', input.tracking)
    case 'delivery.returned':
      return parcel(draft, 'delivery_returned', input.tracking)
    case 'delivery.shipped':
      return shipped(draft, input.tracking)
    case 'delivery.delivered':
      return delivered(draft, input.tracking)
    case 'delivery.failed':
      return notDelivered(draft, input.reason)
    case 'change':
      return changeItems(draft, input.items, input.reserveAt)
    case 'cancel':
      return cancel(draft, input.reason, input.by)
    case 'user.blocked':
      return cancel(draft, 'user_blocked', 'users')
  }
}

/** Inventory answers a version of the items; what was changed meanwhile has an answer of its own to come. */
const isAwaited = ({ order }: Draft, itemsVersion: number): boolean =>
  order.status === 'pending' && order.itemsVersion === itemsVersion

const stockReserved = (draft: Draft, itemsVersion: number): void => {
  if (!isAwaited(draft, itemsVersion)) return stale(draft, 'inventory', 'stock.reserved')
  draft.become('processing')
  draft.note('inventory', 'topic', { code: 'stock_reserved', data: {} })
  askPayment(draft)
}

const stockRejected = (draft: Draft, itemsVersion: number, missing: Missing): void => {
  if (!isAwaited(draft, itemsVersion)) return stale(draft, 'inventory', 'stock.rejected')
  draft.become('rejected', { reason: 'out_of_stock' })
  draft.note('inventory', 'topic', { code: 'stock_rejected', data: { missing } })
}

const stockReleased = (draft: Draft, from: 'reserved' | 'sold'): void =>
  draft.note('inventory', 'topic', { code: from === 'sold' ? 'stock_restocked' : 'stock_released', data: {} })

const askPayment = (draft: Draft): void => {
  const now = draft.order.payment === 'now'
  draft.pay(now ? 'calling' : 'queued')
  draft.note('orders', now ? 'grpc' : 'queue', { code: now ? 'charge_called' : 'charge_queued', data: {} })
}

const charged = (
  draft: Draft,
  via: StoryStep['via'],
  data: (StoryEntry & { code: 'payment_charged' })['data'],
): void => {
  // The answer of ProcessPayment and its event say the same thing.
  if (draft.order.paymentStep === 'charged') return
  if (draft.order.status !== 'processing') return stale(draft, 'payments', 'payment.completed')
  draft.pay('charged')
  draft.become('paid')
  draft.note('payments', via, { code: 'payment_charged', data })
}

const declined = (draft: Draft, via: StoryStep['via'], reason: string): void => {
  if (draft.order.paymentStep === 'refused') return
  if (draft.order.status !== 'processing') return stale(draft, 'payments', 'payment.failed')
  draft.pay('refused')
  draft.become('rejected', { reason: 'payment_declined' })
  draft.note('payments', via, { code: 'payment_declined', data: { reason } })
}

/** ProcessPayment gave no answer: the charge goes to the work queue, under the same key. */
const chargeByQueue = (draft: Draft, reason: string): void => {
  if (draft.order.status !== 'processing' || draft.order.paymentStep !== 'calling') return
  draft.pay('queued')
  draft.note('orders', 'queue', { code: 'charge_fell_back', data: { reason } })
}

const paymentUndone = (draft: Draft, type: 'payment.refunded' | 'payment.voided', worker: string): void => {
  if (draft.order.status !== 'cancelling') return stale(draft, 'payments', type)
  draft.pay('undone')
  draft.become('cancelled')
  const code = type === 'payment.voided' ? 'payment_voided' : 'payment_refunded'
  draft.note('payments', 'topic', { code, data: { worker } })
}

const parcel = (
  draft: Draft,
  code: 'delivery_scheduled' | 'delivery_shipped' | 'delivery_delivered' | 'delivery_returned',
  trackingNumber: string,
): void => draft.note('delivery', 'topic', { code, data: { trackingNumber } })

const shipped = (draft: Draft, tracking: string): void => {
  if (draft.order.status !== 'paid') return stale(draft, 'delivery', 'delivery.shipped')
  draft.become('shipped')
  parcel(draft, 'delivery_shipped', tracking)
}

const isWithDelivery = ({ order: { status } }: Draft): boolean => status === 'paid' || status === 'shipped'

const delivered = (draft: Draft, tracking: string): void => {
  if (!isWithDelivery(draft)) return stale(draft, 'delivery', 'delivery.delivered')
  draft.become('completed')
  parcel(draft, 'delivery_delivered', tracking)
}

const notDelivered = (draft: Draft, reason: string): void => {
  if (!isWithDelivery(draft)) return stale(draft, 'delivery', 'delivery.failed')
  draft.note('delivery', 'topic', { code: 'delivery_failed', data: { reason } })
  undoPayment(draft, 'delivery_failed')
}

const changeItems = (draft: Draft, items: OrderLine[], reserveAt: string): void => {
  if (!allowed.change.has(draft.order.status)) return
  draft.changed({ items, total: totalOf(items), reserveAt })
  draft.note('orders', 'http', { code: 'items_changed', data: {} })
}

const cancel = (draft: Draft, reason: string, by: string): void => {
  const { status } = draft.order
  if (status === 'pending') {
    // Nothing was asked of payments: its opened payment order is closed by the event itself.
    draft.become('cancelled', { reason })
    return draft.note(by, by === 'users' ? 'topic' : 'http', { code: 'order_cancelled', data: { reason } })
  }
  if (status !== 'processing' && status !== 'paid') return
  draft.note(by, by === 'users' ? 'topic' : 'http', { code: 'cancel_requested', data: { reason } })
  undoPayment(draft, reason)
}

const undoPayment = (draft: Draft, reason: string): void => {
  draft.become('cancelling', { reason })
  draft.pay('undoing')
  draft.note('orders', 'queue', { code: 'refund_queued', data: { reason } })
}

/** An answer that came too late, or to another version: kept in the story, otherwise ignored. */
const stale = (draft: Draft, service: string, answer: string): void =>
  draft.note(service, 'topic', { code: 'answer_ignored', data: { answer } })
