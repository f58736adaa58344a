/** The gRPC methods: from the generated definitions and the access tables that the servers enforce. */
import type { DeliveryServiceService } from '../../contracts/proto/generated/delivery.ts'
import type { InventoryServiceService } from '../../contracts/proto/generated/inventory.ts'
import type { OrderServiceService } from '../../contracts/proto/generated/orders.ts'
import type { PaymentServiceService } from '../../contracts/proto/generated/payments.ts'
import type { UserServiceService } from '../../contracts/proto/generated/users.ts'
import type { GrpcHandler } from '../../platform/kit/src/api.ts'
import { grpcEdge as delivery } from '../../services/delivery/src/grpc.ts'
import { grpcEdge as inventory } from '../../services/inventory/src/grpc.ts'
import { grpcEdge as orders } from '../../services/orders/src/grpc.ts'
import { grpcEdge as payments } from '../../services/payments/src/grpc.ts'
import { grpcEdge as users } from '../../services/users/src/grpc.ts'
import { code, table } from './regions.ts'

/** An edge only closes over what it is given, so its table can be read without a running service. */
const nothing: unknown = new Proxy(() => nothing, { get: () => nothing })
const declared = (edge: (...parts: never[]) => GrpcHandler): GrpcHandler => edge(...(Array(4).fill(nothing) as never[]))

export const edges: readonly { service: string; handler: GrpcHandler }[] = [
  { service: 'orders', handler: declared(orders) },
  { service: 'inventory', handler: declared(inventory) },
  { service: 'payments', handler: declared(payments) },
  { service: 'delivery', handler: declared(delivery) },
  { service: 'users', handler: declared(users) },
]

/** When a method is called; the only words here that no code says. */
type Definition =
  | typeof OrderServiceService
  | typeof InventoryServiceService
  | typeof PaymentServiceService
  | typeof DeliveryServiceService
  | typeof UserServiceService
export type MethodName = Definition extends infer D ? (D extends unknown ? keyof D : never) : never

const flows: Record<MethodName, string> = {
  getOrder: 'before it ships, delivery asks whether the order is still paid; through the gateway, a user’s program',
  getUserDetails: '`GET /users/{id}?include=orders`',
  followOrder: '`GET /orders/{id}/follow`: each change as a server-sent event; the same to a user’s program',
  checkAvailability: 'prices, names and stock when an order is placed or changed, or a user’s program asks',
  bulkRestock: '`POST /products/restock` by an admin',
  processPayment: '`payment: "now"`; without a definite answer the charge goes to the queue',
  trackDeliveries: 'where parcels are, for frames on the WebSocket',
  getUser: 'name and address for a mail',
}

export interface GrpcMethod {
  name: string
  /** As the generated client calls it. */
  method: string
  service: string
  kind: string
  callers: readonly string[]
}

/** Every method that a service serves, from its handlers: kind, server, who may call it. */
export function grpcMethods(): GrpcMethod[] {
  return edges.flatMap(({ service, handler }) =>
    Object.entries(handler.definition).map(([method, { path, requestStream, responseStream }]) => ({
      name: path
        .split('/')
        .slice(1)
        .join('.')
        .replace(/^svyaz\.(?:\w+\.)*?(?=[A-Z])/, ''),
      method,
      service,
      kind: requestStream
        ? responseStream
          ? 'both stream'
          : 'client streams'
        : responseStream
          ? 'server streams'
          : 'unary',
      callers: handler.access[method] ?? [],
    })),
  )
}

/** The gRPC methods as a table. */
export function grpcTable(): string {
  return table(
    ['method', 'kind', 'served by', 'may be called by', 'flow'],
    grpcMethods().map(({ name, method, kind, service, callers }) => [
      code(name),
      kind,
      service,
      callers.join(', '),
      flows[method as MethodName],
    ]),
  )
}
