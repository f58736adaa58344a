import { z } from 'zod'
import { id, storedText, time } from '../primitives.ts'
import { topic } from '../vocabulary.ts'

const about = { orderId: id, userId: id, version: z.int().min(1), trackingNumber: storedText, at: time }

export const deliveryEvents = topic({
  name: 'delivery.events',
  summary: 'Where a parcel is',
  writer: 'delivery',
  readers: ['orders', 'notifications'],
  key: 'order id',
  partitions: 6,
  kind: 'event',
  events: {
    'delivery.scheduled': z.strictObject(about),
    'delivery.shipped': z.strictObject(about),
    'delivery.delivered': z.strictObject(about),
    'delivery.failed': z.strictObject({ ...about, reason: storedText }),
    'delivery.returned': z.strictObject(about),
  },
})
