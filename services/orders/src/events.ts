/** What orders hears, turned into the saga's inputs. Deduplicated by the handled ids inside each document, and by what was told. */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import { type Message, type Subscription, subscribe, type Tx } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Orders } from './orders.ts'
import type { SagaInput } from './saga.ts'
import type { OrdersSchema } from './storage/schema.ts'

const group = 'orders'

type OrdersTx = Tx<OrdersSchema> | undefined

/**
 * The topics this service reads; each event is an input of the saga.
 *
 * @param dedupe `own`: in transactions, many events together; `none`: one document at a time (MongoDB)
 */
export const subscriptions = (orders: Orders, dedupe: Common['dedupe']): Subscription[] => [
  ...decided(orders, { group, dedupe }),
  ...told(orders, { group, dedupe }),
  ...standing(orders),
]

interface Common {
  readonly group: string
  readonly dedupe: 'own' | 'none'
}

/** What the saga decides on. */
const decided = (orders: Orders, common: Common): Subscription[] => {
  const hear = (message: Message<string, { orderId: string }>, tx: OrdersTx, input: SagaInput): Promise<void> =>
    orders.hear(tx, message.data.orderId, message.id, input)
  return [
    subscribe<typeof inventoryEvents, OrdersSchema>({
      ...common,
      topic: inventoryEvents,
      on: {
        'stock.reserved': (message, tx) =>
          hear(message, tx, { type: 'stock.reserved', itemsVersion: message.data.itemsVersion }),
        'stock.rejected': (message, tx) => hear(message, tx, { type: 'stock.rejected', ...message.data }),
        'stock.released': (message, tx) => hear(message, tx, { type: 'stock.released', from: message.data.from }),
      },
    }),
    subscribe<typeof paymentsEvents, OrdersSchema>({
      ...common,
      topic: paymentsEvents,
      on: {
        'payment.completed': (message, tx) => hear(message, tx, { type: 'payment.completed', ...message.data }),
        'payment.failed': (message, tx) => hear(message, tx, { type: 'payment.failed', ...message.data }),
        'payment.refunded': (message, tx) =>
          hear(message, tx, { type: 'payment.refunded', worker: message.data.worker }),
        'payment.voided': (message, tx) => hear(message, tx, { type: 'payment.voided', worker: message.data.worker }),
      },
    }),
    subscribe<typeof deliveryEvents, OrdersSchema>({
      ...common,
      topic: deliveryEvents,
      on: {
        'delivery.scheduled': (message, tx) => hear(message, tx, parcel(message)),
        'delivery.shipped': (message, tx) => hear(message, tx, parcel(message)),
        'delivery.delivered': (message, tx) => hear(message, tx, parcel(message)),
        'delivery.returned': (message, tx) => hear(message, tx, parcel(message)),
        'delivery.failed': (message, tx) => hear(message, tx, { type: 'delivery.failed', reason: message.data.reason }),
      },
    }),
  ]
}

/** What users were told, for the story. */
const told = (orders: Orders, common: Common): Subscription[] => [
  subscribe<typeof notificationsEvents, OrdersSchema>({
    ...common,
    topic: notificationsEvents,
    on: {
      'mail.sent': async (message, tx) => {
        const { orderId, kind, messageId, at } = message.data
        if (orderId === undefined) return
        await orders.tell(tx, orderId, message.id, 'smtp', [
          { at, code: 'mail_sent', data: { about: kind, messageId } },
        ])
      },
      'frames.sent': async (message, tx) => {
        const { orderId, frames } = message.data
        if (orderId !== undefined) await orders.tell(tx, orderId, message.id, 'websocket', frames.map(frameSent))
      },
      'frame.sent': async (message, tx) => {
        const { orderId, ...frame } = message.data
        if (orderId !== undefined) await orders.tell(tx, orderId, message.id, 'websocket', [frameSent(frame)])
      },
    },
  }),
]

const frameSent = ({ kind, cursor, at }: { kind: NotificationFrame['kind']; cursor: number; at: string }) =>
  ({ at, code: 'frame_sent', data: { about: kind, cursor } }) as const

/** Whether users may order. Without a transaction: a standing has to be committed before what follows from it begins. */
const standing = (orders: Orders): Subscription[] => [
  subscribe({
    topic: usersEvents,
    group,
    dedupe: 'none',
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
