/** The lists of everything that is said; each contract is also importable by its own path. */
import { configEvents } from './events/config.ts'
import { deliveryEvents } from './events/delivery.ts'
import { inventoryEvents } from './events/inventory.ts'
import { notificationsEvents } from './events/notifications.ts'
import { ordersEvents } from './events/orders.ts'
import { paymentsEvents, paymentsTasks } from './events/payments.ts'
import { relayMessages } from './events/relay.ts'
import { usersEvents } from './events/users.ts'
import { clientsRoutes } from './http/clients.ts'
import { configRoutes } from './http/config.ts'
import { deliveryRoutes } from './http/delivery.ts'
import { gatewayRoutes } from './http/gateway.ts'
import { graphqlRoutes } from './http/graphql.ts'
import { inventoryRoutes } from './http/inventory.ts'
import { notificationsRoutes } from './http/notifications.ts'
import { ordersRoutes } from './http/orders.ts'
import { paymentsRoutes } from './http/payments.ts'
import { relayRoutes } from './http/relay.ts'
import { usersRoutes } from './http/users.ts'
import type { Route, ServiceName, Topic } from './vocabulary.ts'

export const topics: readonly (Topic & { writer: ServiceName; readers: readonly ServiceName[] })[] = [
  usersEvents,
  ordersEvents,
  inventoryEvents,
  paymentsTasks,
  paymentsEvents,
  deliveryEvents,
  notificationsEvents,
  configEvents,
  relayMessages,
]

export const routes: readonly Route[] = [
  ...usersRoutes,
  ...clientsRoutes,
  ...ordersRoutes,
  ...inventoryRoutes,
  ...paymentsRoutes,
  ...deliveryRoutes,
  ...notificationsRoutes,
  ...configRoutes,
  ...gatewayRoutes,
  ...graphqlRoutes,
  ...relayRoutes,
]
