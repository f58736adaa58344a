/** Orders: accepts orders, and alone decides what becomes of them. Read `saga.ts` next. */
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks } from '@svyaz/contracts/events/payments.ts'
import { type Context, defineService } from '@svyaz/kit'
import { Admission } from './admission.ts'
import { environment, type Settings, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { graphqlEdge } from './graphql.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { createOrders } from './orders.ts'
import { createPaymentCalls } from './payment-calls.ts'
import { migrations } from './storage/migrations.ts'
import { openOrderStore } from './storage/open.ts'
import type { OrdersSchema } from './storage/schema.ts'

export const service = defineService<typeof settings, OrdersSchema>({
  name: 'orders',
  settings,
  environment,
  database: { migrations, unless: 'SVYAZ_MONGO_URL' },
  writes: [ordersEvents, paymentsTasks],
  async start(context: Context<Settings, OrdersSchema>) {
    await Promise.all(['users', 'inventory', 'payments'].map((service) => context.discovery.watch(service)))
    const { store, notReady, close } = await openOrderStore(context)
    const orders = createOrders(context, store, (order) => paymentCalls.due(order))
    const paymentCalls = createPaymentCalls(context, store, (...given) => orders.apply(...given))
    return {
      http: [...httpEdge(context, orders, new Admission(store, context.clock)), graphqlEdge(context, orders)],
      grpc: [grpcEdge(orders)],
      consumers: subscriptions(orders, store.inTransaction ? 'own' : 'none'),
      outboxSource: store,
      workers: [paymentCalls.worker],
      notReady,
      close,
    }
  },
})
