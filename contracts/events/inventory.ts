import { z } from 'zod'
import { orderLine } from '../http/orders.ts'
import { id, productId, time } from '../primitives.ts'
import { topic } from '../vocabulary.ts'

const reservation = { orderId: id, itemsVersion: z.int().min(1), at: time }

export const inventoryEvents = topic({
  name: 'inventory.events',
  summary: 'Answers about reservations, and changes of stock',
  writer: 'inventory',
  readers: ['orders', 'gateway'],
  broadcastTo: ['gateway'],
  key: 'order id; product id for stock.changed',
  partitions: 6,
  kind: 'event',
  events: {
    'stock.reserved': z.strictObject({ ...reservation, items: z.array(orderLine) }),
    'stock.rejected': z.strictObject({
      ...reservation,
      missing: z.array(z.strictObject({ productId, requested: z.int(), available: z.int() })),
    }),
    'stock.released': z.strictObject({
      ...reservation,
      items: z.array(orderLine),
      from: z.enum(['reserved', 'sold']),
    }),
    'stock.changed': z.strictObject({
      productId,
      version: z.int().min(1),
      available: z.int(),
      reserved: z.int(),
      sold: z.int(),
      stocked: z.int(),
      at: time,
    }),
  },
})
