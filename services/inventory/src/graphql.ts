/** What inventory answers of the graph: the catalogue, open to everyone. */
import { inventory as sdl } from '@svyaz/contracts/graphql/generated/subgraphs.ts'
import { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { getProduct, listProducts } from '@svyaz/contracts/http/inventory.ts'
import { allow, type Context, checked, Failure, type HttpHandler, loader, serveSubgraph } from '@svyaz/kit'
import { productPage, productsByIds, viewOf } from './products.ts'
import type { InventorySchema } from './storage.ts'

interface ProductsArguments {
  category?: string | null
  search?: string | null
  first: number
  after?: string | null
}

/** The subgraph of this service. */
export const graphqlEdge = (
  context: Pick<Context<unknown, InventorySchema>, 'log' | 'tracer' | 'database'>,
): HttpHandler =>
  serveSubgraph(context, {
    route: subgraphRoutes.inventory,
    sdl,
    perQuestion: () => ({
      product: loader(async (ids) => {
        const rows = await productsByIds(context.database, ids)
        return new Map(rows.map((row) => [row.id, viewOf(row)]))
      }),
    }),
    resolvers: {
      Query: {
        async product(_, args: { id: string }, call) {
          allow(getProduct, call.caller)
          const { id } = checked(getProduct.params, args)
          return (await call.product(id)) ?? unknown(id)
        },
        async products(_, { category, search, first, after }: ProductsArguments, call) {
          allow(listProducts, call.caller)
          const { cursor, ...wanted } = checked(listProducts.query, {
            limit: first,
            cursor: after ?? undefined,
            category: category ?? undefined,
            q: search ?? undefined,
          })
          const { page, next } = await productPage(context.database, { ...wanted, after: cursor })
          return { nodes: page.map(viewOf), endCursor: next }
        },
      },
      Product: {
        async __resolveReference(reference: { id: string }, call) {
          allow(getProduct, call.caller)
          const { id } = checked(getProduct.params, { id: reference.id })
          return (await call.product(id)) ?? unknown(id)
        },
      },
    },
  })

const unknown = (id: string): never => {
  throw new Failure('not_found', `there is no product ${id}`)
}
