import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks, paymentWorkersGroup } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Message, type Subscription, subscribe } from '@svyaz/kit'
import type { Wish } from './domain.ts'
import {
  applyWish,
  isBlocked,
  type Opening,
  type PaymentsContext,
  type PaymentsSchema,
  type PaymentsTx,
  setStanding,
} from './storage.ts'

/** Publish/subscribe in the group `payments`; point-to-point tasks in `payment-workers`, one worker each. */
export const subscriptions = (context: PaymentsContext, wake: () => void): Subscription[] => {
  const follow = (input: Wish) => (message: Message<string, OrderSnapshot>, tx: PaymentsTx) =>
    applyWish(context, tx, openingOfOrder(message.data), input)
  return [
    subscribe<typeof ordersEvents, PaymentsSchema>({
      topic: ordersEvents,
      group: 'payments',
      dedupe: 'inbox',
      on: {
        // Opens a payment order, never charges.
        'order.created': follow({ type: 'open' }),
        'order.changed': follow({ type: 'open' }),
        'order.rejected': follow({ type: 'close' }),
        'order.cancelled': follow({ type: 'close' }),
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
          const blocked = await isBlocked(tx, data.userId)
          await applyWish(context, tx, openingOfTask(data), { type: 'charge', blocked })
          tx.afterCommit(wake)
        },
        'payment.refund': async ({ data }, tx) => {
          await applyWish(context, tx, openingOfTask(data), { type: 'undo' })
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
