/**
 * The end-state invariants of an order system that loses nothing and does nothing twice, as pure functions of a
 * snapshot. One row per invariant: its id, what it promises, and how a snapshot breaks it. `check` runs them all.
 */
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import type { EventFact, LedgerFact, OrderFact, Snapshot } from '@svyaz/observe/snapshot.ts'

export interface Violation {
  readonly id: InvariantId
  /** What the invariant promises. */
  readonly promise: string
  /** What is the case instead, naming the order, product, payment or mail. */
  readonly found: string
}

interface Invariant {
  readonly promise: string
  /** One text per breach. */
  readonly breaches: (snapshot: Snapshot) => Iterable<string>
}

const finalStatuses: ReadonlySet<string> = new Set(statusesThat('final'))

/** From which statuses each event may come, and where it leads; `created` starts. */
const stateDiagram: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>> = {
  'order.created': { from: [], to: 'pending' },
  'order.changed': { from: ['pending'], to: 'pending' },
  'order.processing': { from: ['pending'], to: 'processing' },
  'order.paid': { from: ['processing'], to: 'paid' },
  'order.shipped': { from: ['paid'], to: 'shipped' },
  'order.completed': { from: ['paid', 'shipped'], to: 'completed' },
  'order.rejected': { from: ['pending', 'processing'], to: 'rejected' },
  'order.cancelling': { from: ['processing', 'paid', 'shipped'], to: 'cancelling' },
  'order.cancelled': { from: ['pending', 'cancelling'], to: 'cancelled' },
}

export const invariants = {
  O1: {
    promise: 'each accepted order exists once and ends in a final state',
    *breaches({ attempts, orders }) {
      const count = counted(orders.map((order) => order.id))
      for (const id of new Set(attempts.flatMap((attempt) => attempt.orderId ?? []))) {
        if (count.get(id) !== 1) yield `order ${id} was accepted and exists ${count.get(id) ?? 0} times`
      }
      for (const { id, status } of orders) if (!finalStatuses.has(status)) yield `order ${id} is still ${status}`
    },
  },
  O2: {
    promise: 'a refused order left nothing, and nothing exists that nobody asked for',
    *breaches({ attempts, orders }) {
      const asked = new Map(attempts.map((attempt) => [slot(attempt), attempt]))
      const accepted = new Set(attempts.flatMap((attempt) => attempt.orderId ?? []))
      for (const order of orders) {
        if (accepted.has(order.id)) continue
        const attempt = asked.get(slot(order))
        if (attempt === undefined) yield `order ${order.id} exists and nobody asked for it`
        else if (attempt.refused !== undefined) yield `order ${order.id} exists, yet it was refused: ${attempt.refused}`
      }
    },
  },
  O3: {
    promise: 'one order per user and Idempotency-Key',
    *breaches({ attempts, orders }) {
      for (const [key, count] of counted(orders.map(slot))) if (count > 1) yield `${count} orders for ${key}`
      const answers = grouped(
        attempts.filter((attempt) => attempt.orderId !== undefined),
        slot,
      )
      for (const [key, group] of answers) {
        const ids = new Set(group.map((attempt) => attempt.orderId))
        if (ids.size > 1) yield `${key} was answered with ${[...ids].join(' and ')}`
      }
    },
  },
  O4: {
    promise: "an order's events are versions 1..n without a gap, in order, along the state diagram, none after the end",
    *breaches({ events }) {
      for (const [orderId, history] of grouped(firstOccurrences(events), (event) => event.orderId)) {
        yield* historyBreaches(orderId, history)
      }
    },
  },
  P1: {
    promise: 'at most one charge per order',
    *breaches({ ledger }) {
      const charges = ledger.filter((entry) => entry.type === 'charge' && entry.succeeded).map((entry) => entry.key)
      for (const [key, count] of counted(charges)) if (count > 1) yield `${key} was charged ${count} times`
    },
  },
  P2: {
    promise: 'completed ⇔ the net charge is the total; cancelled or rejected ⇔ it is zero',
    *breaches({ orders, ledger }) {
      const net = netByKey(ledger)
      for (const { id, status, totalMinor } of orders) {
        const paid = net.get(chargeKey(id)) ?? 0
        const due = status === 'completed' ? totalMinor : 0
        if (finalStatuses.has(status) && paid !== due) yield `order ${id} is ${status}: ${paid} charged, ${due} due`
      }
      const known = new Set(orders.map((order) => chargeKey(order.id)))
      for (const [key, paid] of net)
        if (paid !== 0 && !known.has(key)) yield `${paid} charged for ${key}: no such order`
    },
  },
  P3: {
    promise: "the processor's sums are the payments database's sums",
    *breaches({ payments, ledger }) {
      const total = (type: LedgerFact['type'][]) =>
        ledger
          .filter((entry) => type.includes(entry.type) && (entry.type !== 'charge' || entry.succeeded))
          .reduce((sum, entry) => sum + entry.amountMinor, 0)
      const kept = payments
        .filter((payment) => payment.status === 'charged')
        .reduce((sum, payment) => sum + payment.amountMinor, 0)
      const net = total(['charge']) - total(['refund', 'void'])
      if (net !== kept) yield `the processor holds ${net}, the database says ${kept}`
      const byKey = netByKey(ledger)
      for (const { orderId, status, amountMinor } of payments) {
        const held = byKey.get(chargeKey(orderId)) ?? 0
        const said = status === 'charged' ? amountMinor : 0
        if (held !== said) yield `payment of ${orderId} is ${status} over ${amountMinor}: the processor holds ${held}`
      }
    },
  },
  S1: {
    promise: 'available, reserved and sold are never negative and add up to what was stocked',
    *breaches({ stock }) {
      for (const { productId, available, reserved, sold, stocked } of stock) {
        if (Math.min(available, reserved, sold) < 0) yield `${productId}: ${available}, ${reserved}, ${sold}`
        if (available + reserved + sold !== stocked)
          yield `${productId}: ${available} + ${reserved} + ${sold} is not ${stocked}`
      }
    },
  },
  S2: {
    promise: 'what was stocked is the initial stock plus every restock, once',
    *breaches({ stock, initialStock, restocks }) {
      for (const { productId, stocked } of stock) {
        let dues = [initialStock[productId] ?? 0]
        for (const { quantity, unanswered } of restocks.filter((restock) => restock.productId === productId)) {
          const added = dues.map((due) => due + quantity)
          dues = unanswered ? [...new Set([...dues, ...added])] : added
        }
        if (!dues.includes(stocked)) yield `${productId}: ${stocked} stocked, ${dues.join(' or ')} due`
      }
    },
  },
  S3: {
    promise: 'at the end no reservation is left over, and what is sold is what completed orders hold',
    *breaches({ stock, reservations, orders }) {
      for (const { orderId, state } of reservations)
        if (state === 'waiting' || state === 'reserved') yield `the reservation of order ${orderId} is still ${state}`
      const sold = new Map<string, number>()
      for (const order of orders.filter(({ status }) => status === 'completed'))
        for (const { productId, quantity } of order.items) sold.set(productId, (sold.get(productId) ?? 0) + quantity)
      for (const level of stock) {
        if (level.reserved !== 0) yield `${level.productId}: ${level.reserved} still reserved`
        const due = sold.get(level.productId) ?? 0
        if (level.sold !== due) yield `${level.productId}: ${level.sold} sold, completed orders hold ${due}`
      }
    },
  },
  E1: {
    promise: 'each mail that is due was sent',
    *breaches({ mails, mailsReceived }) {
      const received = new Set(mailsReceived)
      for (const { messageId, status } of mails) {
        if (status !== 'sent') yield `mail ${messageId} is ${status}`
        else if (!received.has(messageId)) yield `mail ${messageId} never reached the mail server`
      }
    },
  },
  W1: {
    promise: 'a WebSocket client sees each frame after its cursor once, in order',
    *breaches({ feeds }) {
      for (const { userId, after, cursors, last } of feeds) {
        const due = Array.from({ length: Math.max(last - after, 0) }, (_, index) => after + 1 + index)
        if (cursors.join() !== due.join())
          yield `user ${userId}: frames ${cursors.join()} came instead of ${due.join()}`
      }
    },
  },
  X1: {
    promise: 'every change of an order has its event in the topic',
    *breaches({ orders, events }) {
      const byOrder = grouped(firstOccurrences(events), (event) => event.orderId)
      for (const { id, version, status } of orders) {
        const last = byOrder.get(id)?.at(-1)
        if (last?.version !== version || last.status !== status)
          yield `order ${id} is ${status} at version ${version}; its last event says ${last?.status} at ${last?.version}`
      }
      const known = new Set(orders.map((order) => order.id))
      for (const orderId of byOrder.keys()) if (!known.has(orderId)) yield `events of order ${orderId}: no such order`
    },
  },
} as const satisfies Record<string, Invariant>

export type InvariantId = keyof typeof invariants

/** Every breach of every invariant; empty = the snapshot holds. */
export const check = (snapshot: Snapshot): Violation[] =>
  (Object.entries(invariants) as [InvariantId, Invariant][]).flatMap(([id, { promise, breaches }]) =>
    [...breaches(snapshot)].map((found) => ({ id, promise, found })),
  )

const chargeKey = (orderId: string): string => `charge:${orderId}`
const slot = ({ userId, key }: Pick<OrderFact, 'userId' | 'key'>): string => `user ${userId}, key ${key}`

const counted = (names: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

const grouped = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => Map.groupBy(items, keyOf)

/** The outbox repeats a record near a kill; only the first one of each event counts. */
const firstOccurrences = (events: readonly EventFact[]): EventFact[] => {
  const seen = new Set<string>()
  return [...events]
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    .filter((event) => !seen.has(event.eventId) && seen.add(event.eventId))
}

function* historyBreaches(orderId: string, history: readonly EventFact[]): Generator<string> {
  if (new Set(history.map((event) => event.partition)).size > 1) yield `order ${orderId} is in several partitions`
  let status: string | undefined
  for (const [index, event] of history.entries()) {
    if (event.version !== index + 1) yield `order ${orderId}: version ${event.version} is at place ${index + 1}`
    const step = stateDiagram[event.type]
    const follows = status === undefined ? step?.from.length === 0 : step?.from.includes(status)
    if (!follows) yield `order ${orderId}: ${event.type} after ${status ?? 'nothing'}`
    if (step && event.status !== step.to) yield `order ${orderId}: ${event.type} says ${event.status}`
    status = event.status
  }
}

/** What the processor holds per charge key. */
const netByKey = (ledger: readonly LedgerFact[]): Map<string, number> => {
  const net = new Map<string, number>()
  for (const entry of ledger) {
    const sign = entry.type !== 'charge' ? -1 : entry.succeeded ? 1 : 0
    net.set(entry.key, (net.get(entry.key) ?? 0) + sign * entry.amountMinor)
  }
  return net
}
