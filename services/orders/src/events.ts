/** What orders hears, turned into the saga's inputs. Deduplicated by the handled ids inside each document. */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Message, permanent, type Subscription, subscribe } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Orders } from './orders.ts'
import type { SagaInput } from './saga.ts'

const group = 'orders'
const dedupe = 'none' as const

/** The topics this service reads; each event is an input of the saga. */
export const subscriptions = (orders: Orders): Subscription[] => {
  const apply = async (message: Message, orderId: string, input: SagaInput): Promise<void> => {
    const order = await orders.apply(orderId, message.id, input)
    if (!order) throw permanent(`there is no order ${orderId}`)
  }
  return [
    subscribe({
      topic: inventoryEvents,
      group,
      dedupe,
      on: {
        'stock.reserved': (message) =>
          apply(message, message.data.orderId, { type: 'stock.reserved', itemsVersion: message.data.itemsVersion }),
        'stock.rejected': (message) =>
          apply(message, message.data.orderId, { type: 'stock.rejected', ...message.data }),
        'stock.released': (message) =>
          apply(message, message.data.orderId, { type: 'stock.released', from: message.data.from }),
      },
    }),
    subscribe({
      topic: paymentsEvents,
      group,
      dedupe,
      on: {
        'payment.completed': (message) =>
          apply(message, message.data.orderId, { type: 'payment.completed', ...message.data }),
        'payment.failed': (message) =>
          apply(message, message.data.orderId, { type: 'payment.failed', ...message.data }),
        'payment.refunded': (message) =>
          apply(message, message.data.orderId, { type: 'payment.refunded', worker: message.data.worker }),
        'payment.voided': (message) =>
          apply(message, message.data.orderId, { type: 'payment.voided', worker: message.data.worker }),
      },
    }),
    subscribe({
      topic: deliveryEvents,
      group,
      dedupe,
      on: {
        'delivery.scheduled': (message) => apply(message, message.data.orderId, parcel(message)),
        'delivery.shipped': (message) => apply(message, message.data.orderId, parcel(message)),
        'delivery.delivered': (message) => apply(message, message.data.orderId, parcel(message)),
        'delivery.returned': (message) => apply(message, message.data.orderId, parcel(message)),
        'delivery.failed': (message) =>
          apply(message, message.data.orderId, { type: 'delivery.failed', reason: message.data.reason }),
      },
    }),
    subscribe({
      topic: notificationsEvents,
      group,
      dedupe,
      on: {
        'mail.sent': async (message) => {
          const { orderId, kind, messageId } = message.data
          if (orderId !== undefined)
            await orders.tell(orderId, message.id, 'smtp', { code: 'mail_sent', data: { about: kind, messageId } })
        },
        'frame.sent': async (message) => {
          const { orderId, kind, cursor } = message.data
          if (orderId !== undefined)
            await orders.tell(orderId, message.id, 'websocket', { code: 'frame_sent', data: { about: kind, cursor } })
        },
      },
    }),
    subscribe({
      topic: usersEvents,
      group,
      dedupe,
      on: {
        'user.blocked': async (message) => {
          const { userId, version } = message.data
          // Committed before the open orders are listed, so that none escapes in between (rule 7).
          await orders.store.setStanding(userId, { version, blocked: true })
          await cancelOpenOrders(orders, userId, message.id)
        },
        'user.unblocked': (message) =>
          orders.store.setStanding(message.data.userId, { version: message.data.version, blocked: false }),
      },
    }),
  ]
}

const parcel = (message: Message<string, { trackingNumber: string }>): SagaInput => ({
  type: message.type as 'delivery.scheduled' | 'delivery.shipped' | 'delivery.delivered' | 'delivery.returned',
  tracking: message.data.trackingNumber,
})

const cancelOpenOrders = async (orders: Orders, userId: string, causeEventId: string): Promise<void> => {
  let afterId: string | undefined
  for (;;) {
    const page = await orders.store.openOrders(userId, {
      limit: limits.blockedOrdersPerRound,
      ...(afterId === undefined ? {} : { afterId }),
    })
    for (const order of page) await orders.apply(order.id, causeEventId, { type: 'user.blocked' })
    afterId = page.at(-1)?.id
    if (page.length < limits.blockedOrdersPerRound) return
  }
}
