/** How services are asked: by the kit's clients, as this service, for the user who asks (reliability rule 9). */
import { type GraphqlResult, subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { type Caller, type Context, Failure, withDeadline } from '@svyaz/kit'
import { limits, type Settings } from './config.ts'
import type { AskSubgraph, FollowOrder } from './graph.ts'

type ServiceContext = Pick<Context<Settings>, 'http' | 'grpc'>

const behalfOf = (caller: Caller) =>
  caller.kind === 'user' ? { userId: caller.userId, roles: caller.roles } : undefined

/** One request to an instance of the service. */
export const askSubgraph =
  (context: ServiceContext): AskSubgraph =>
  async (name, question, { caller }) => {
    const onBehalfOf = behalfOf(caller)
    const options = { timeoutMs: limits.subgraphTimeoutMs, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) }
    const { body } = await context.http(name).call(subgraphRoutes[name], { body: question }, options)
    return body as GraphqlResult
  }

/** Orders says over gRPC when an order has changed; the first time at once. */
export const followOrder =
  (context: ServiceContext): FollowOrder =>
  (orderId, { caller, signal }) => {
    const onBehalfOf = behalfOf(caller)
    if (onBehalfOf === undefined) throw new Failure('unauthenticated', 'sign in first')
    const orders = context.grpc('orders').client(OrderServiceService)
    // It lasts as long as its client wants, not as long as the request that began it.
    return withDeadline(undefined, () => orders.followOrder({ id: orderId }, { onBehalfOf, signal }))
  }
