/** What payments answers of the graph: how an order is paid. The rules are those of `GET /payments`. */
import { payments as sdl } from '@svyaz/contracts/graphql/generated/subgraphs.ts'
import { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { listPayments } from '@svyaz/contracts/http/payments.ts'
import { allow, checked, type HttpHandler, loader, serveSubgraph } from '@svyaz/kit'
import { mayRead } from './http.ts'
import { type PaymentsContext, paymentsByOrders, viewOf } from './storage.ts'

/** The subgraph of this service. */
export const graphqlEdge = (context: PaymentsContext): HttpHandler =>
  serveSubgraph(context, {
    route: subgraphRoutes.payments,
    sdl,
    perQuestion: (caller) => ({
      payment: loader(async (orderIds) => {
        const rows = await paymentsByOrders(context, orderIds)
        const theirs = rows.filter((row) => caller.kind === 'user' && mayRead(caller, row))
        return new Map(theirs.map((row) => [row.order_id, viewOf(row)]))
      }),
    }),
    resolvers: {
      Order: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        payment({ id }: { id: string }, _, call) {
          allow(listPayments, call.caller)
          return call.payment(checked(listPayments.query, { orderId: id }).orderId)
        },
      },
    },
  })
