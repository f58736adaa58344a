/**
 * What notifications hears, each turned into a notice: a frame in the user's feed, and a mail where one is due. Both
 * are rows of the inbox's transaction; they are sent after the commit.
 */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { collected, type Message, type Subscription, subscribe } from '@svyaz/kit'
import { aboutDelivery, aboutOrder, aboutPayment, aboutUser, type Notice } from './domain.ts'
import { feedChannel, hasOthers, sayFeeds } from './feed-channel.ts'
import {
  type FrameRow,
  type NotificationsContext,
  type NotificationsSchema,
  type NotificationsTx,
  storeNotices,
  type Telling,
} from './storage.ts'

export interface Effects {
  /** Frames were stored: here, and committed. */
  frames(rows: readonly FrameRow[]): void
  wakeMailer(): void
}

type Tell = (message: Message, tx: NotificationsTx, notice: Notice) => Promise<void>

/** Stores a notice: with all that its transaction tells, before it is committed. */
const createTell = (context: NotificationsContext, effects: Effects): Tell => {
  const store = collected<Telling>(async (tx, tellings) => {
    const frames = await storeNotices(context, tx, tellings)
    tx.afterCommit(() => {
      const { rows } = frames
      for (const _ of rows) context.crashPoint('notifications.after-frame')
      effects.frames(rows)
      if (tellings.some(({ notice }) => notice.mail !== undefined)) effects.wakeMailer()
      // A user's socket may be another instance's.
      if (!hasOthers(context.instance, context.discovery.instances('notifications'))) return
      const users = [...new Set(rows.map((row) => row.user_id))]
      void context.database.notify(feedChannel, sayFeeds(context.instance, users)).catch(() => undefined)
    })
  })
  return async (message, tx, notice) =>
    store(tx, { eventId: message.id, notice, traceparent: context.tracer.current() })
}

/** The topics this service reads; every event becomes a frame, some of them a mail too. */
export const subscriptions = (context: NotificationsContext, effects: Effects): Subscription[] => {
  const common = { group: 'notifications', dedupe: 'inbox' } as const
  const tell = createTell(context, effects)
  return [...aboutOrders(common, tell), ...aboutTheRest(common, tell)]
}

interface Common {
  readonly group: string
  readonly dedupe: 'inbox'
}

const aboutOrders = (common: Common, tell: Tell): Subscription[] => {
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
  ]
}

const aboutTheRest = (common: Common, tell: Tell): Subscription[] => [
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
