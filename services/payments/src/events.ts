import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks, paymentWorkersGroup } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { collected, type Message, type Subscription, subscribe } from '@svyaz/kit'
import type { Wish } from './domain.ts'
import {
  type Asked,
  applyWishes,
  type Opening,
  type PaymentsContext,
  type PaymentsSchema,
  type PaymentsTx,
  setStanding,
} from './storage.ts'

/** Publish/subscribe in the group `payments`; point-to-point tasks in `payment-workers`, one worker each. */
export const subscriptions = (context: PaymentsContext, wake: () => void): Subscription[] => {
  const heard = collected<Asked>((tx, all) => applyWishes(context, tx, all))
  const hear = (tx: PaymentsTx, opening: Opening, type: Wish['type']) =>
    heard(tx, { opening, type, traceparent: context.tracer.current() })
  const follow = (type: Wish['type']) => async (message: Message<string, OrderSnapshot>, tx: PaymentsTx) =>
    hear(tx, openingOfOrder(message.data), type)
  return [
    subscribe<typeof ordersEvents, PaymentsSchema>({
      topic: ordersEvents,
      group: 'payments',
      dedupe: 'inbox',
      on: {
        // Opens a payment order, never charges.
        'order.created': follow('open'),
        'order.changed': follow('open'),
        'order.rejected': follow('close'),
        'order.cancelled': follow('close'),
      },
    }),
    subscribe<typeof usersEvents, PaymentsSchema>({
      topic: usersEvents,
      group: 'payments',
      dedupe: 'inbox',
      on: {
        'user.blocked': ({ data }, tx) => setStanding(tx, data.userId, data.version, true),
        'user.unblocked': ({ data }, tx) => setStanding(tx, data.userId, data.version, false),
      },
    }),
    subscribe<typeof paymentsTasks, PaymentsSchema>({
      topic: paymentsTasks,
      group: paymentWorkersGroup,
      dedupe: 'inbox',
      on: {
        'payment.charge': async ({ data }, tx) => {
          hear(tx, openingOfTask(data), 'charge')
          tx.afterCommit(wake)
        },
        'payment.refund': async ({ data }, tx) => {
          hear(tx, openingOfTask(data), 'undo')
          tx.afterCommit(wake)
        },
      },
    }),
  ]
}

const openingOfOrder = (order: OrderSnapshot): Opening => ({
  orderId: order.orderId,
  userId: order.userId,
  amountMinor: order.total.amountMinor,
  method: order.paymentMethod,
})

interface Task {
  orderId: string
  userId: string
  amount: { amountMinor: number }
  method: string
}
const openingOfTask = ({ orderId, userId, amount, method }: Task): Opening => ({
  orderId,
  userId,
  amountMinor: amount.amountMinor,
  method,
})
