/**
 * Who handles which events, by group: what a quiet system must have in its inboxes. Written down a second time on purpose:
 * a subscription that is dropped by mistake must not drop its check with it.
 */
export interface ConsumerRow {
  readonly group: string
  /** Whose database has the inbox; orders keeps the handled ids in each document. */
  readonly service: string
  readonly topic: string
  readonly types: readonly string[]
}

const ofOrder = (...names: string[]) => names.map((name) => `order.${name}`)

export const consumers: readonly ConsumerRow[] = [
  {
    group: 'inventory',
    service: 'inventory',
    topic: 'orders.events',
    types: ofOrder('created', 'changed', 'paid', 'cancelled', 'rejected'),
  },
  {
    group: 'payments',
    service: 'payments',
    topic: 'orders.events',
    types: ofOrder('created', 'changed', 'rejected', 'cancelled'),
  },
  { group: 'payments', service: 'payments', topic: 'users.events', types: ['user.blocked', 'user.unblocked'] },
  {
    group: 'payment-workers',
    service: 'payments',
    topic: 'payments.tasks',
    types: ['payment.charge', 'payment.refund'],
  },
  {
    group: 'delivery',
    service: 'delivery',
    topic: 'orders.events',
    types: ofOrder('created', 'paid', 'rejected', 'cancelled'),
  },
  {
    group: 'notifications',
    service: 'notifications',
    topic: 'orders.events',
    types: ofOrder(
      'created',
      'changed',
      'processing',
      'paid',
      'shipped',
      'completed',
      'rejected',
      'cancelling',
      'cancelled',
    ),
  },
  {
    group: 'notifications',
    service: 'notifications',
    topic: 'payments.events',
    types: ['payment.completed', 'payment.refunded', 'payment.voided'],
  },
  {
    group: 'notifications',
    service: 'notifications',
    topic: 'delivery.events',
    types: ['delivery.scheduled', 'delivery.failed'],
  },
  {
    group: 'notifications',
    service: 'notifications',
    topic: 'users.events',
    types: ['user.registered', 'user.blocked', 'user.unblocked'],
  },
  {
    group: 'orders',
    service: 'orders',
    topic: 'inventory.events',
    types: ['stock.reserved', 'stock.rejected', 'stock.released'],
  },
  {
    group: 'orders',
    service: 'orders',
    topic: 'payments.events',
    types: ['payment.completed', 'payment.failed', 'payment.refunded', 'payment.voided'],
  },
  {
    group: 'orders',
    service: 'orders',
    topic: 'delivery.events',
    types: ['delivery.scheduled', 'delivery.shipped', 'delivery.delivered', 'delivery.returned', 'delivery.failed'],
  },
  { group: 'orders', service: 'orders', topic: 'notifications.events', types: ['mail.sent', 'frames.sent'] },
]

/** Every topic of the system, dead letters left out. */
export const topics = [
  'orders.events',
  'payments.tasks',
  'payments.events',
  'inventory.events',
  'delivery.events',
  'notifications.events',
  'users.events',
  'config.events',
] as const

/** Events by which a user is also told by mail. */
export const mailedTypes: ReadonlySet<string> = new Set([
  'order.completed',
  'order.rejected',
  'order.cancelled',
  'payment.completed',
  'payment.refunded',
  'user.registered',
  'user.blocked',
  'user.unblocked',
])
