/** Topics, and what stands in their messages. The key is always the order's id. */

import { config } from './config.ts'

export const topics = {
  orders: `${config.namePrefix()}orders.events`,
  inventory: `${config.namePrefix()}inventory.events`,
  tasks: `${config.namePrefix()}payments.tasks`,
  payments: `${config.namePrefix()}payments.events`,
  delivery: `${config.namePrefix()}delivery.events`,
} as const

export interface OrderLine {
  productId: string
  quantity: number
  name: string
  unitPriceMinor: number
}

export type OrderStatus = 'pending' | 'processing' | 'paid' | 'shipped' | 'completed' | 'rejected'

export interface OrderEvent {
  type: 'order.created' | `order.${Exclude<OrderStatus, 'pending'>}`
  orderId: string
  userId: string
  items: OrderLine[]
  totalMinor: number
  reason?: string
}

export interface InventoryEvent {
  type: 'stock.reserved' | 'stock.rejected'
  orderId: string
}

export interface ChargeTask {
  type: 'payment.charge'
  orderId: string
  userId: string
  amountMinor: number
  method: string
}

export interface PaymentEvent {
  type: 'payment.completed' | 'payment.failed'
  orderId: string
  userId: string
  amountMinor: number
  reason?: string
}

export interface DeliveryEvent {
  type: 'delivery.scheduled' | 'delivery.shipped' | 'delivery.delivered'
  orderId: string
  userId: string
  trackingNumber: string
}
