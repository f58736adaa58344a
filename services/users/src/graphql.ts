/** What users answers of the graph. The rules are those of `GET /users/{id}`: others don't exist. */
import { users as sdl } from '@svyaz/contracts/graphql/generated/subgraphs.ts'
import { subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { getUser } from '@svyaz/contracts/http/users.ts'
import { allow, type Caller, type Context, checked, Failure, type HttpHandler, loader, serveSubgraph } from '@svyaz/kit'
import { readable } from './http.ts'
import { type UsersSchema, usersByIds, viewOf } from './storage.ts'

/** The subgraph of this service. */
export const graphqlEdge = (context: Pick<Context<unknown, UsersSchema>, 'log' | 'tracer' | 'database'>): HttpHandler =>
  serveSubgraph(context, {
    route: subgraphRoutes.users,
    sdl,
    perQuestion: () => ({
      user: loader(async (ids) => {
        const rows = await usersByIds(context.database, ids)
        return new Map(rows.map((row) => [row.id, viewOf(row)]))
      }),
    }),
    resolvers: {
      Query: {
        me: (_, _arguments, call) => userFor(call, 'me'),
        user: (_, { id }: { id: string }, call) => userFor(call, id),
      },
      User: {
        __resolveReference: ({ id }: { id: string }, call) => userFor(call, id),
      },
    },
  })

const userFor = async (
  { caller, user }: { caller: Caller; user: (id: string) => Promise<ReturnType<typeof viewOf> | undefined> },
  wanted: string,
) => {
  allow(getUser, caller)
  const id = readable(checked(getUser.params, { id: wanted }).id, caller)
  const found = await user(id)
  if (found === undefined) throw new Failure('not_found', `there is no user ${id}`)
  return found
}
