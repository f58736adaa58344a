/** Inventory: products, stock and reservations. The rules are in `domain.ts`. */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { type Context, defineService } from '@svyaz/kit'
import { type Settings, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { graphqlEdge } from './graphql.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import { dueReservations } from './reservations.ts'
import { type InventorySchema, seedCatalogue } from './storage.ts'

export const service = defineService<typeof settings, InventorySchema>({
  name: 'inventory',
  settings,
  database: { migrations },
  writes: [inventoryEvents],
  async start(context: Context<Settings, InventorySchema>) {
    await seedCatalogue(context.database)
    const reservations = dueReservations(context)
    return {
      http: [...httpEdge(context), graphqlEdge(context)],
      grpc: [grpcEdge(context)],
      consumers: subscriptions(context, reservations.wake),
      workers: [reservations],
    }
  },
})
