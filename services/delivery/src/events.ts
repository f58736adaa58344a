/**
 * What delivery hears: only orders, which alone decides (reliability, rule 6). A parcel is drafted on `created` and
 * goes its way on `paid`; each message first makes sure that there is a draft, since a partition may be read again from
 * the middle.
 */
import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { type Message, type Subscription, subscribe } from '@svyaz/kit'
import type { Input } from './domain.ts'
import { applyInput, type DeliveryContext, type DeliverySchema, type DeliveryTx, draftParcel } from './storage.ts'

/**
 * The topics this service reads and what it does on each event.
 * @param wake called when a parcel may be due
 */
export const subscriptions = (context: DeliveryContext, wake: () => void): Subscription[] => {
  const on = (type: Input['type']) => async (message: Message<string, OrderSnapshot>, tx: DeliveryTx) => {
    await draftParcel(context, tx, message.data)
    await applyInput(context, tx, message.data.orderId, { type })
    tx.afterCommit(wake)
  }
  return [
    subscribe<typeof ordersEvents, DeliverySchema>({
      topic: ordersEvents,
      group: 'delivery',
      dedupe: 'inbox',
      on: {
        'order.created': (message, tx) => draftParcel(context, tx, message.data),
        'order.paid': on('paid'),
        'order.rejected': on('ended'),
        'order.cancelled': on('ended'),
      },
    }),
  ]
}
