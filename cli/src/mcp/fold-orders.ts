/** Where orders are, made of their events. Pure. */
import type { OrderSnapshot } from '@svyaz/contracts/events/orders.ts'
import { isFinal } from '@svyaz/contracts/http/order-terms.ts'

/** An event of an order as `svyaz topics orders.events --json` prints it. */
export interface OrderEvent {
  readonly traceId?: string | undefined
  readonly value: OrderSnapshot
}

export interface OrderState {
  readonly orderId: string
  readonly userId: string
  readonly status: OrderSnapshot['status']
  /** When it came to this status, RFC 3339. */
  readonly since: string
  /** Seconds that it has been there; only of one that isn't final. */
  readonly waitingS?: number
  readonly reason?: string
  readonly total: OrderSnapshot['total']
  readonly paymentMethod: string
  readonly deliveryMethod: string
  /** Of its last event. */
  readonly traceId?: string
}

/**
 * The state of each order that the events are about: the event with its highest version says it.
 *
 * @param events in any order
 * @returns unfinished ones first, those that have waited longest before the others; then the finished ones, newest first
 */
export function foldOrders(events: readonly OrderEvent[], nowMs: number): OrderState[] {
  const latest = new Map<string, OrderEvent>()
  for (const event of events) {
    const known = latest.get(event.value.orderId)
    if (known === undefined || known.value.version < event.value.version) latest.set(event.value.orderId, event)
  }
  const states = [...latest.values()].map((event) => stateOf(event, nowMs))
  const [open, done] = [states.filter(({ status }) => !isFinal(status)), states.filter(({ status }) => isFinal(status))]
  const bySince = (a: OrderState, b: OrderState) => Date.parse(a.since) - Date.parse(b.since)
  return [...open.sort(bySince), ...done.sort((a, b) => bySince(b, a))]
}

const stateOf = ({ value, traceId }: OrderEvent, nowMs: number): OrderState => ({
  orderId: value.orderId,
  userId: value.userId,
  status: value.status,
  since: value.at,
  ...(isFinal(value.status) ? {} : { waitingS: Math.max(0, Math.round((nowMs - Date.parse(value.at)) / 1_000)) }),
  ...(value.reason === undefined ? {} : { reason: value.reason }),
  total: value.total,
  paymentMethod: value.paymentMethod,
  deliveryMethod: value.deliveryMethod,
  ...(traceId === undefined ? {} : { traceId }),
})
