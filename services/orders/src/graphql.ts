/** What orders answers of the graph. The rules are those of its REST operations: another user's order does not exist. */
import { orders as sdl } from '@svyaz/contracts/graphql/generated/subgraphs.ts'
import { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { getOrder, listOrders } from '@svyaz/contracts/http/orders.ts'
import type { QueryOf } from '@svyaz/contracts/vocabulary.ts'
import {
  allow,
  type Caller,
  type Context,
  checked,
  type HttpHandler,
  loader,
  serveSubgraph,
  signedIn,
} from '@svyaz/kit'
import { type Order, viewOf } from './domain.ts'
import { mayList, mayRead, noSuchOrder } from './http.ts'
import type { Orders } from './orders.ts'

interface Page {
  first: number
  after?: string | null
}

/** The subgraph of this service. */
export const graphqlEdge = (context: Pick<Context<unknown>, 'log' | 'tracer'>, { store }: Orders): HttpHandler =>
  serveSubgraph(context, {
    route: subgraphRoutes.orders,
    sdl,
    perQuestion: (caller) => ({
      order: loader(async (ids) => {
        const found = await store.getMany(ids)
        return new Map(found.filter((order) => mayRead(caller, order)).map((order) => [order.id, order]))
      }),
      // Whoever asks for the orders of one user several times, with the same page, asks once.
      ordersOf: loader(async (keys) => {
        const pages = await Promise.all(keys.map((key) => pageOfUser(store, JSON.parse(key))))
        return new Map(pages.map((page, index) => [keys[index] as string, page]))
      }),
    }),
    resolvers: {
      Query: {
        order: async (_, { id }: { id: string }, call) => {
          allow(getOrder, call.caller)
          return graphOrder((await call.order(id)) ?? noSuchOrder(id))
        },
        orders: (_, { userId, ...page }: Page & { userId?: string | null }, call) => {
          allow(listOrders, call.caller)
          return call.ordersOf(keyOf(call.caller, userId ?? signedIn(call.caller).userId, page))
        },
      },
      Order: {
        __resolveReference: async ({ id }: { id: string }, call) => {
          allow(getOrder, call.caller)
          return graphOrder((await call.order(id)) ?? noSuchOrder(id))
        },
      },
      User: {
        orders: ({ id }: { id: string }, page: Page, call) => {
          allow(listOrders, call.caller)
          return call.ordersOf(keyOf(call.caller, id, page))
        },
      },
    },
  })

const keyOf = (caller: Caller, ofUser: string, { first, after }: Page): string => {
  const query = checked(listOrders.query, { userId: ofUser, limit: first, cursor: after ?? undefined })
  mayList(caller, query.userId)
  return JSON.stringify(query)
}

const pageOfUser = async (store: Orders['store'], { userId, limit, cursor }: QueryOf<typeof listOrders>) => {
  const found = await store.list(userId, { limit: limit + 1, ...(cursor === undefined ? {} : { beforeId: cursor }) })
  const page = found.slice(0, limit)
  return { nodes: page.map(graphOrder), endCursor: found.length > limit ? page.at(-1)?.id : null }
}

/** An order as the graph names its parts: user and products are named by their keys, whoever knows more adds it. */
const graphOrder = (order: Order) => {
  const { payment, items, userId, ...rest } = viewOf(order)
  return {
    ...rest,
    paymentMode: payment,
    user: { id: userId },
    items: items.map(({ productId, ...line }) => ({ ...line, product: { id: productId } })),
  }
}
