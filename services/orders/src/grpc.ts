/** The gRPC edge of orders: what other services ask it. */

import { isFinal } from '@svyaz/contracts/http/order-terms.ts'
import { type OrderResponse, OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { orderRequests } from '@svyaz/contracts/proto/requests.ts'
import { type Caller, Failure, type GrpcHandler, isStaff, serveGrpc } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Order } from './domain.ts'
import type { Orders } from './orders.ts'

/** The gRPC methods of this service, with who may call them. */
export const grpcEdge = (orders: Orders): GrpcHandler =>
  serveGrpc(
    OrderServiceService,
    { getOrder: ['delivery', 'gateway'], getUserDetails: ['users'], followOrder: ['gateway', 'graphql'] },
    {
      async getOrder({ id }, { caller }) {
        const order = await existing(orders, id)
        // Delivery asks for itself, whoever asks for a user sees what that user sees.
        if (!isFor(caller, 'delivery') && !mayFollow(caller, order))
          throw new Failure('not_found', `there is no order ${id}`)
        return responseOf(order)
      },
      async getUserDetails({ userId, ordersMax }) {
        const limit = Math.min(Math.max(ordersMax, 1), limits.userDetailsOrdersMax)
        const [list, totals] = await Promise.all([orders.store.list(userId, { limit }), orders.store.totals(userId)])
        return {
          orders: list.map(responseOf),
          ordersTotal: totals.orders,
          spent: { amountMinor: totals.spentMinor, currency: 'EUR' },
        }
      },
      async *followOrder({ id }, { caller, signal }) {
        let order = await existing(orders, id)
        if (!mayFollow(caller, order)) throw new Failure('not_found', `there is no order ${id}`)
        let sentVersion = 0
        while (!signal.aborted) {
          if (order.version !== sentVersion) yield responseOf(order)
          sentVersion = order.version
          if (isFinal(order.status)) return
          await orders.changes.sleep(id, limits.followEveryMs, signal)
          order = await existing(orders, id)
        }
      },
    },
    orderRequests,
  )

const existing = async (orders: Orders, id: string): Promise<Order> => {
  const order = await orders.store.get(id)
  if (!order) throw new Failure('not_found', `there is no order ${id}`)
  return order
}

const isFor = (caller: Caller, service: string): boolean =>
  caller.kind === 'service' && caller.service === service && caller.onBehalfOf === undefined

const mayFollow = (caller: Caller, order: Order): boolean => {
  const user = caller.kind === 'service' ? caller.onBehalfOf : undefined
  return user !== undefined && (user.userId === order.userId || isStaff(user))
}

const responseOf = (order: Order): OrderResponse => ({
  id: order.id,
  userId: order.userId,
  status: order.status,
  items: order.items,
  total: order.total,
  version: order.version,
  createdAt: order.createdAt,
  updatedAt: order.updatedAt,
  reason: order.reason ?? '',
  payment: order.payment,
  paymentMethod: order.paymentMethod,
  deliveryMethod: order.deliveryMethod,
})
