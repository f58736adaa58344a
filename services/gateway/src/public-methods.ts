/**
 * The gRPC methods that a signed-in user may call, each on the user's own behalf: the service shows what it shows that
 * user over HTTP. All of them only read, so they are repeated where a service is away. Every other method is between
 * services.
 */
import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import type { GrpcCallOptions } from '@svyaz/kit'
import type { GatewayContext } from './exchange.ts'

type Grpc = GatewayContext['grpc']

/** One request, and one answer or a stream of them, which stay bytes to the gateway but for a look at the request. */
export interface PublicMethod {
  /** `/package.Service/Method`. */
  readonly path: string
  /** Throws on bytes that aren't its request. */
  read(bytes: Buffer): unknown
  /** Asks the service; `streams`: each answer as it comes. */
  readonly ask:
    | { readonly streams: false; call(grpc: Grpc, request: unknown, options: GrpcCallOptions): Promise<unknown> }
    | { readonly streams: true; call(grpc: Grpc, request: unknown, options: GrpcCallOptions): AsyncIterable<unknown> }
  write(answer: unknown): Buffer
}

interface Method<Request, Response> {
  readonly path: string
  requestDeserialize(bytes: Buffer): Request
  responseSerialize(answer: Response): Buffer
}

const common = <Q, A>(method: Method<Q, A>) => ({
  path: method.path,
  read: (bytes: Buffer) => method.requestDeserialize(bytes),
  write: (answer: unknown) => method.responseSerialize(answer as A),
})

const unary = <Q, A>(
  method: Method<Q, A>,
  call: (grpc: Grpc, request: Q, options: GrpcCallOptions) => Promise<A>,
): PublicMethod => ({
  ...common(method),
  ask: { streams: false, call: (grpc, request, options) => call(grpc, request as Q, options) },
})

const streaming = <Q, A>(
  method: Method<Q, A>,
  call: (grpc: Grpc, request: Q, options: GrpcCallOptions) => AsyncIterable<A>,
): PublicMethod => ({
  ...common(method),
  ask: { streams: true, call: (grpc, request, options) => call(grpc, request as Q, options) },
})

/** All of them. */
export const publicMethods: readonly PublicMethod[] = [
  unary(OrderServiceService.getOrder, (grpc, request, options) =>
    grpc('orders').client(OrderServiceService).getOrder(request, options),
  ),
  streaming(OrderServiceService.followOrder, (grpc, request, options) =>
    grpc('orders').client(OrderServiceService).followOrder(request, options),
  ),
  unary(InventoryServiceService.checkAvailability, (grpc, request, options) =>
    grpc('inventory').client(InventoryServiceService).checkAvailability(request, options),
  ),
]

const byPath = new Map(publicMethods.map((method) => [method.path, method]))

/** The public method at a path. */
export const publicMethodAt = (path: string): PublicMethod | undefined => byPath.get(path)
