/** What a service declares of its part of the graph. */
import type { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import type { Caller } from '../api.ts'

/** What a resolver is given beside its arguments: who asks, and whatever the service keeps for one question. */
export type SubgraphCall<PerQuestion> = PerQuestion & { readonly caller: Caller }

// biome-ignore lint/suspicious/noExplicitAny: a source is what the parent's resolver returned, arguments are the schema's
export type Resolver<PerQuestion> = (source: any, args: any, call: SubgraphCall<PerQuestion>) => unknown

/** By type and field; `__resolveReference` finds an entity by its key and gets (reference, call). */
export type Resolvers<PerQuestion> = Record<
  string,
  Record<string, Resolver<PerQuestion>> & {
    // biome-ignore lint/suspicious/noExplicitAny: a reference is the key that the schema names
    __resolveReference?: (reference: any, call: SubgraphCall<PerQuestion>) => unknown
  }
>

export interface Subgraph<PerQuestion extends object> {
  route: (typeof subgraphRoutes)[keyof typeof subgraphRoutes]
  /** The schema, as in `contracts/graphql`. */
  sdl: string
  resolvers: Resolvers<PerQuestion>
  /** Made for each question, e.g. its loaders: what one caller may see is never kept for another. */
  perQuestion(caller: Caller): PerQuestion
}
