/** What delivery answers of the graph: the parcel of an order. The rules are those of `GET /deliveries`. */
import { delivery as sdl } from '@svyaz/contracts/graphql/generated/subgraphs.ts'
import { listDeliveries } from '@svyaz/contracts/http/delivery.ts'
import { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { allow, checked, type HttpHandler, loader, serveSubgraph, signedIn } from '@svyaz/kit'
import { type DeliveryContext, parcelsFor, viewOf } from './storage.ts'

/** The subgraph of this service. */
export const graphqlEdge = (context: DeliveryContext): HttpHandler =>
  serveSubgraph(context, {
    route: subgraphRoutes.delivery,
    sdl,
    perQuestion: (caller) => ({
      parcel: loader(async (orderIds) => {
        const rows = await parcelsFor(context, signedIn(caller), orderIds)
        return new Map(rows.map((row) => [row.order_id, viewOf(row)]))
      }),
    }),
    resolvers: {
      Order: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        parcel({ id }: { id: string }, _, call) {
          allow(listDeliveries, call.caller)
          return call.parcel(checked(listDeliveries.query, { orderId: id }).orderId)
        },
      },
    },
  })
