/**
 * What inventory hears of orders, each as an input of its reservation; stock moves in the transaction of the inbox
 * row.
 */
import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { type Context, collected, type Message, type Subscription, subscribe } from '@svyaz/kit'
import type { Settings } from './config.ts'
import { type Asked, applyInputs } from './reservations.ts'
import type { InventorySchema, InventoryTx } from './storage.ts'

const itemsOf = (order: OrderSnapshot): Asked['input'] => ({
  type: 'items',
  orderId: order.orderId,
  itemsVersion: order.itemsVersion,
  items: order.items.map(({ productId, quantity }) => ({ productId, quantity })),
  // Both times are of orders' clock: what is left of its window, whatever that clock says.
  waitMs: Math.max(0, Date.parse(order.reserveAt) - Date.parse(order.at)),
})

/** The topics this service reads and what it does on each event; `wake` when a reservation has to wait. */
export const subscriptions = (context: Context<Settings, InventorySchema>, wake: () => void): Subscription[] => {
  type Order = Message<string, OrderSnapshot>
  const heard = collected<Asked>((tx, asked) => applyInputs(context, tx, asked, wake))
  const on = (input: (order: OrderSnapshot) => Asked['input']) => async (message: Order, tx: InventoryTx) =>
    heard(tx, { orderId: message.data.orderId, input: input(message.data), traceparent: context.tracer.current() })
  return [
    subscribe<typeof ordersEvents, InventorySchema>({
      topic: ordersEvents,
      group: 'inventory',
      dedupe: 'inbox',
      on: {
        'order.created': on(itemsOf),
        'order.changed': on(itemsOf),
        'order.paid': on(() => ({ type: 'paid' })),
        'order.cancelled': on(() => ({ type: 'ended' })),
        'order.rejected': on(() => ({ type: 'ended' })),
      },
    }),
  ]
}
