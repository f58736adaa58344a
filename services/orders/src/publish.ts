/** Turns what a decision says into events as they wait in the document. */
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks } from '@svyaz/contracts/events/payments.ts'
import type { StoredEvent } from '@svyaz/kit'
import { snapshotOf } from './domain.ts'
import type { Decision, Said } from './saga.ts'

export interface Stamp {
  uuid(): string
  at: string
  traceparent: string | undefined
}

const isTask = (type: Said['type']): type is 'payment.charge' | 'payment.refund' => type.startsWith('payment.')

const dataOf = ({ type, order }: Said, at: string): unknown => {
  if (!isTask(type)) return snapshotOf(order)
  const task = { orderId: order.id, userId: order.userId, amount: order.total, method: order.paymentMethod, at }
  return type === 'payment.charge' ? task : { ...task, reason: order.reason ?? 'cancelled' }
}

/** What a decision says, as events of the outbox, in its order. */
export const storedEvents = (decision: Decision, stamp: Stamp): StoredEvent[] =>
  decision.said.map((said) => ({
    id: stamp.uuid(),
    topic: (isTask(said.type) ? paymentsTasks : ordersEvents).name,
    type: said.type,
    key: said.order.id,
    subject: said.order.id,
    data: dataOf(said, stamp.at),
    time: stamp.at,
    traceparent: stamp.traceparent,
  }))
