/** How a service writes down its parts, with the types of its contracts kept. */

import type { ServiceDefinition as GrpcServiceDefinition } from '@grpc/grpc-js'
import type { Route, Topic } from '@svyaz/contracts/vocabulary.ts'
import type { z } from 'zod'
import type {
  GrpcHandler,
  GrpcImplementation,
  HttpHandler,
  HttpReply,
  HttpRequest,
  RecordSubscription,
  ServiceDefinition,
  Subscription,
} from './api.ts'

/** A service, ready for `runService`. */
export const defineService = <Settings extends z.ZodObject, Schema = unknown>(
  definition: ServiceDefinition<Settings, Schema>,
): ServiceDefinition<Settings, Schema> => definition

/** An HTTP operation of the contract and its answer. */
export const handle = <const R extends Route>(
  route: R,
  answer: (request: HttpRequest<R>) => Promise<HttpReply<R>> | HttpReply<R>,
): HttpHandler => ({ route, answer }) as unknown as HttpHandler

/**
 * A generated gRPC definition, its methods as async functions, and which services may call each. `requests` is what
 * each message of a method must hold beyond its types; without it everything that can be decoded is taken.
 */
export const serveGrpc = <D extends GrpcServiceDefinition>(
  definition: D,
  access: { [M in keyof D]: readonly string[] },
  implementation: GrpcImplementation<D>,
  requests?: { [M in keyof D]: z.ZodType },
): GrpcHandler => ({
  definition,
  access,
  implementation: implementation as unknown as GrpcHandler['implementation'],
  ...(requests === undefined ? {} : { requests }),
})

/** A topic's handlers in a consumer group. */
export const subscribe = <const T extends Topic, Schema = unknown>(
  subscription: Subscription<T, Schema>,
): Subscription => subscription as unknown as Subscription

/** A topic's records, many at a time, in a consumer group. */
export const subscribeRecords = (subscription: RecordSubscription): RecordSubscription => subscription
