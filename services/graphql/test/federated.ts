/** A graph over subgraphs of a test's own, on the real engine and the kit's real subgraphs, with every question counted. */
import type { GraphqlResult, SubgraphName } from '@svyaz/contracts/http/graphql.ts'
import { subgraphNames, subgraphRoutes } from '@svyaz/contracts/http/graphql.ts'
import { type Caller, type HttpHandler, type Logger, type Resolvers, serveSubgraph, type Tracer } from '@svyaz/kit'
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { settings } from '../src/config.ts'
import { type FollowOrder, Graph, type SubgraphQuestion } from '../src/graph.ts'

export interface Part {
  sdl: string
  resolvers: Resolvers<object>
  /** Instead of answering. */
  fails?: () => Error
}

const federation = (imports: string[]) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ${JSON.stringify(imports)})\n`
const directives = ['@key', '@shareable', '@external', '@requires', '@provides', '@override', '@inaccessible']

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent } as Logger
const span = { traceparent: '', traceId: '', set() {} }
const untraced: Tracer = {
  span: (_name, _options, work) => work(span),
  open: () => ({ ...span, end() {} }),
  current: () => `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
}

export const nobody: Caller = { kind: 'anonymous' }

/** The first part is called `users`, the second `orders`, and so on: what they are called matters to nobody. */
export const graphOver = (
  parts: readonly Part[],
  options: { introspection?: boolean; settings?: object; follow?: FollowOrder } = {},
) => {
  const named = parts.map((part, index) => ({ name: subgraphNames[index] as SubgraphName, ...part }))
  const composed = composeServices(
    named.map(({ name, sdl }) => ({ name, typeDefs: parse(federation(directives) + sdl), url: `http://${name}` })),
  )
  if (!composed.supergraphSdl) throw new Error(composed.errors?.map(({ message }) => message).join('\n'))
  const handlers = new Map<string, HttpHandler>(
    named.map(({ name, sdl, resolvers }) => [
      name,
      serveSubgraph(
        { log: silent, tracer: untraced },
        { route: subgraphRoutes[name], sdl: federation(directives) + sdl, resolvers, perQuestion: () => ({}) },
      ),
    ]),
  )
  const asked: { name: string; question: SubgraphQuestion }[] = []
  const graph = new Graph({
    log: silent,
    tracer: untraced,
    introspection: options.introspection ?? false,
    settings: () => settings.parse(options.settings ?? {}),
    supergraph: composed.supergraphSdl,
    follow: options.follow ?? (() => (async function* () {})()),
    async ask(name, question) {
      asked.push({ name, question })
      const failing = named.find((part) => part.name === name)?.fails
      if (failing !== undefined) throw failing()
      const caller: Caller = { kind: 'service', service: 'graphql' }
      const request = { body: JSON.parse(JSON.stringify(question)), caller } as never
      const { body } = await (handlers.get(name) as HttpHandler).answer(request)
      return body as GraphqlResult
    },
  })
  return {
    graph,
    /** Each question to a subgraph since the last call. */
    asked: () => asked.splice(0),
    async ask(query: string, variables?: Record<string, never>): Promise<GraphqlResult> {
      const answer = await graph.answer({ query, variables }, { caller: nobody, signal: new AbortController().signal })
      if (answer.kind === 'stream') throw new Error('a query is not a stream')
      return JSON.parse(JSON.stringify(answer.result))
    },
  }
}
