/** Orders: accepts orders, and alone decides what becomes of them. Read `saga.ts` next. */
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks } from '@svyaz/contracts/events/payments.ts'
import { type Context, defineService } from '@svyaz/kit'
import { type Settings, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import { createOrders } from './orders.ts'
import { createPaymentCalls } from './payment-calls.ts'
import { type OrdersSchema, postgresOrderStore } from './storage.ts'

export const service = defineService<typeof settings, OrdersSchema>({
  name: 'orders',
  settings,
  database: { migrations },
  writes: [ordersEvents, paymentsTasks],
  async start(context: Context<Settings, OrdersSchema>) {
    await Promise.all(['users', 'inventory', 'payments'].map(context.discovery.watch))
    const store = postgresOrderStore(context.database, context.clock.iso)
    const orders = createOrders(context, store, (order) => paymentCalls.due(order))
    const paymentCalls = createPaymentCalls(context, store, orders.apply)
    return {
      http: httpEdge(context, orders),
      grpc: [grpcEdge(orders)],
      consumers: subscriptions(orders),
      outboxSource: store,
      workers: [paymentCalls.worker],
    }
  },
})
