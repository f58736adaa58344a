/** Payments: forms payment orders and charges them through the processor outside. The rules are in `domain.ts`. */
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import { createWakes, defineService } from '@svyaz/kit'
import { environment, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { graphqlEdge } from './graphql.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import { processorClient } from './processor.ts'
import type { PaymentsContext, PaymentsSchema } from './storage.ts'
import { PaymentWorker } from './worker.ts'

export const service = defineService<typeof settings, PaymentsSchema>({
  name: 'payments',
  settings,
  environment,
  database: { migrations },
  writes: [paymentsEvents],
  start(context: PaymentsContext) {
    const settled = createWakes(context.clock)
    const processor = processorClient(context)
    const { loop } = new PaymentWorker(context, processor.ask, (orderId) => settled.wake(orderId))
    return {
      http: [...httpEdge(context), graphqlEdge(context)],
      grpc: [grpcEdge(context, () => loop.wake(), settled)],
      consumers: subscriptions(context, () => loop.wake()),
      workers: [loop],
      close: async () => processor.close(),
    }
  },
})
