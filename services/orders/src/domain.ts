/** An order as it is stored, and what can be derived from it. No I/O. */
import type { OrderSnapshot } from '@svyaz/contracts/events/orders.ts'
import type { SagaView } from '@svyaz/contracts/http/order-sagas.ts'
import { type RemainingCode, type Story, type StoryStep, storyStepsMax } from '@svyaz/contracts/http/order-story.ts'
import type { OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { type Money, toDisplay } from '@svyaz/contracts/primitives.ts'
import { currentStep } from './old-steps.ts'

export interface OrderLine {
  productId: string
  quantity: number
  name: string
  unitPrice: Money
}

/**
 * Where the payment stands, as orders sees it. `calling`: ProcessPayment was or will be called; `queued`: a charge task
 * was written; `undoing`: a refund task was written.
 */
export type PaymentStep = 'idle' | 'calling' | 'queued' | 'charged' | 'refused' | 'undoing' | 'undone'

export interface Order {
  id: string
  userId: string
  status: OrderStatus
  /** Counts the published events, 1..n. */
  version: number
  /** The version that last set the items. */
  itemsVersion: number
  items: OrderLine[]
  total: Money
  payment: OrderSnapshot['payment']
  paymentMethod: OrderSnapshot['paymentMethod']
  deliveryMethod: OrderSnapshot['deliveryMethod']
  paymentStep: PaymentStep
  reserveAt: string
  reason?: string
  createdAt: string
  updatedAt: string
  history: StoryStep[]
}

/** The sum of an order's lines, minor units. */
export const totalOf = (items: readonly OrderLine[]): Money => ({
  amountMinor: items.reduce((sum, item) => sum + item.unitPrice.amountMinor * item.quantity, 0),
  currency: 'EUR',
})

/** An order as clients see it. */
export const viewOf = (order: Order): OrderView => ({
  id: order.id,
  userId: order.userId,
  status: order.status,
  items: order.items,
  totalPrice: toDisplay(order.total),
  total: order.total,
  payment: order.payment,
  paymentMethod: order.paymentMethod,
  deliveryMethod: order.deliveryMethod,
  ...(order.reason === undefined ? {} : { reason: order.reason }),
  version: order.version,
  createdAt: order.createdAt,
  updatedAt: order.updatedAt,
})

/** An order as its events carry it. */
export const snapshotOf = (order: Order): OrderSnapshot => ({
  orderId: order.id,
  userId: order.userId,
  version: order.version,
  itemsVersion: order.itemsVersion,
  status: order.status,
  items: order.items,
  total: order.total,
  payment: order.payment,
  paymentMethod: order.paymentMethod,
  deliveryMethod: order.deliveryMethod,
  reserveAt: order.reserveAt,
  ...(order.reason === undefined ? {} : { reason: order.reason }),
  at: order.updatedAt,
})

/** What an order in each status still waits for, in order: the second half of the story. */
const ahead: Record<OrderStatus, readonly { service: string; code: RemainingCode }[]> = {
  pending: [
    { service: 'inventory', code: 'reserve_stock' },
    { service: 'payments', code: 'charge_payment' },
    { service: 'delivery', code: 'ship' },
  ],
  processing: [
    { service: 'payments', code: 'charge_payment' },
    { service: 'delivery', code: 'ship' },
  ],
  paid: [{ service: 'delivery', code: 'ship' }],
  shipped: [{ service: 'delivery', code: 'deliver' }],
  cancelling: [
    { service: 'payments', code: 'undo_payment' },
    { service: 'inventory', code: 'release_stock' },
  ],
  completed: [],
  rejected: [],
  cancelled: [],
}

const remainingOf = ({ status, updatedAt }: Order) =>
  ahead[status].map((step) => ({ ...step, waitingSince: updatedAt }))

/** An order's saga as operators see it. */
export const sagaOf = (order: Order): SagaView => {
  const [first] = order.history
  const last = order.history.map(currentStep).findLast(({ code }) => code !== 'answer_ignored')
  return {
    orderId: order.id,
    userId: order.userId,
    status: order.status,
    version: order.version,
    ...(order.reason === undefined ? {} : { reason: order.reason }),
    createdAt: order.createdAt,
    updatedAt: order.updatedAt,
    ...(last === undefined ? {} : { last: { at: last.at, service: last.service, code: last.code } }),
    remaining: remainingOf(order),
    ...(first?.traceId === undefined ? {} : { traceId: first.traceId }),
  }
}

/** What happened to an order, in order. */
export const storyOf = (order: Order, told: readonly StoryStep[]): Story => {
  // Both are in order; the sort keeps the order of what happened in one moment.
  const steps = [...order.history.map(currentStep), ...told].sort(byTime)
  return {
    orderId: order.id,
    status: order.status,
    steps: steps.length > storyStepsMax ? steps.toSpliced(1, steps.length - storyStepsMax) : steps,
    remaining: remainingOf(order),
  }
}

const byTime = (a: StoryStep, b: StoryStep): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)

/** The order with one more step in its story; the oldest middle steps go when it is too long. */
export const withStep = (order: Order, step: StoryStep): Order => {
  const history = [...order.history, step]
  if (history.length > storyStepsMax) history.splice(1, history.length - storyStepsMax)
  return { ...order, history }
}
