/** What is asked for, the same over every protocol: one order with two lines, as the Order Service answers it. */
import type { OrderResponse } from '@svyaz/contracts/proto/generated/orders.ts'

export const orderId = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'

const at = '2026-01-01T12:00:00.000Z'
const lines = [
  { productId: 'P-1001', quantity: 2, name: 'Desk lamp', amountMinor: 4_990 },
  { productId: 'P-1002', quantity: 1, name: 'Oak shelf', amountMinor: 12_900 },
]
const total = lines.reduce((sum, line) => sum + line.quantity * line.amountMinor, 0)

/** As `GET /orders/{id}` has it. */
export const orderJson = {
  id: orderId,
  userId: '0198b6f0-1111-7c3a-9d1e-6a4f1c2b3d4e',
  status: 'processing',
  items: lines.map(({ amountMinor, ...line }) => ({ ...line, unitPrice: { amountMinor, currency: 'EUR' } })),
  totalPrice: total / 100,
  total: { amountMinor: total, currency: 'EUR' },
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
  version: 2,
  createdAt: at,
  updatedAt: at,
}

/** As `OrderService.GetOrder` has it. */
export const orderMessage: OrderResponse = {
  id: orderJson.id,
  userId: orderJson.userId,
  status: orderJson.status,
  items: orderJson.items,
  total: orderJson.total,
  version: orderJson.version,
  createdAt: at,
  updatedAt: at,
  reason: '',
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
}
