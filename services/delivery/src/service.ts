/** Delivery: drafts, ships, delivers, or fails. The rules are in `domain.ts`. */
import { deliveryEvents } from '@svyaz/contracts/events/delivery.ts'
import { defineService } from '@svyaz/kit'
import { settings } from './config.ts'
import { subscriptions } from './events.ts'
import { graphqlEdge } from './graphql.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import { dueParcels } from './parcels.ts'
import type { DeliveryContext, DeliverySchema } from './storage.ts'

export const service = defineService<typeof settings, DeliverySchema>({
  name: 'delivery',
  settings,
  database: { migrations },
  writes: [deliveryEvents],
  async start(context: DeliveryContext) {
    await context.discovery.watch('orders')
    const parcels = dueParcels(context)
    return {
      http: [...httpEdge(context), graphqlEdge(context)],
      grpc: [grpcEdge(context)],
      consumers: subscriptions(context, parcels.wake),
      workers: [parcels],
    }
  },
})
