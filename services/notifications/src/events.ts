/**
 * What notifications hears, each turned into a notice: a frame in the user's feed, and a mail where one is due. Both
 * are rows of the inbox's transaction; they are sent after the commit.
 */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Message, type Subscription, subscribe } from '@svyaz/kit'
import { aboutDelivery, aboutOrder, aboutPayment, aboutUser, type Notice } from './domain.ts'
import { feedChannel } from './feed.ts'
import { type NotificationsContext, type NotificationsSchema, type NotificationsTx, storeNotice } from './storage.ts'

export interface Effects {
  wakeFeed(userId: string): void
  wakeMailer(): void
}

/** The topics this service reads; every event becomes a frame, some of them a mail too. */
export const subscriptions = (context: NotificationsContext, effects: Effects): Subscription[] => {
  const common = { group: 'notifications', dedupe: 'inbox' } as const
  const tell = async (message: Message, tx: NotificationsTx, notice: Notice): Promise<void> => {
    await storeNotice(context, tx, message.id, notice)
    tx.afterCommit(() => {
      context.crashPoint('notifications.after-frame')
      effects.wakeFeed(notice.userId)
      if (notice.mail !== undefined) effects.wakeMailer()
      // The user's socket may be another instance's.
      void context.database.notify(feedChannel, notice.userId).catch(() => undefined)
    })
  }
  type OrderKind = Parameters<typeof aboutOrder>[0]
  const order =
    (kind: OrderKind) => (message: Message<OrderKind, Parameters<typeof aboutOrder>[1]>, tx: NotificationsTx) =>
      tell(message, tx, aboutOrder(kind, message.data))

  return [
    subscribe<typeof ordersEvents, NotificationsSchema>({
      ...common,
      topic: ordersEvents,
      on: {
        'order.created': order('order.created'),
        'order.changed': order('order.changed'),
        'order.processing': order('order.processing'),
        'order.paid': order('order.paid'),
        'order.shipped': order('order.shipped'),
        'order.completed': order('order.completed'),
        'order.rejected': order('order.rejected'),
        'order.cancelling': order('order.cancelling'),
        'order.cancelled': order('order.cancelled'),
      },
    }),
    subscribe<typeof paymentsEvents, NotificationsSchema>({
      ...common,
      topic: paymentsEvents,
      on: {
        'payment.completed': (message, tx) => tell(message, tx, aboutPayment('payment.completed', message.data)),
        'payment.refunded': (message, tx) => tell(message, tx, aboutPayment('payment.refunded', message.data)),
        'payment.voided': (message, tx) => tell(message, tx, aboutPayment('payment.voided', message.data)),
      },
    }),
    subscribe<typeof deliveryEvents, NotificationsSchema>({
      ...common,
      topic: deliveryEvents,
      on: {
        'delivery.scheduled': (message, tx) => tell(message, tx, aboutDelivery('delivery.scheduled', message.data)),
        'delivery.failed': (message, tx) => tell(message, tx, aboutDelivery('delivery.failed', message.data)),
      },
    }),
    subscribe<typeof usersEvents, NotificationsSchema>({
      ...common,
      topic: usersEvents,
      on: {
        'user.registered': (message, tx) => tell(message, tx, aboutUser('user.registered', message.data)),
        'user.blocked': (message, tx) => tell(message, tx, aboutUser('user.blocked', message.data)),
        'user.unblocked': (message, tx) => tell(message, tx, aboutUser('user.unblocked', message.data)),
      },
    }),
  ]
}
