/**
 * The graph of five services behind one address: questions taken apart, asked of the subgraphs, joined. It keeps
 * nothing. The library is loaded by the first question; read `graph.ts` next.
 */
import { subgraphNames } from '@svyaz/contracts/http/graphql.ts'
import { type Context, defineService } from '@svyaz/kit'
import { isLoopback } from '@svyaz/listener'
import { type Settings, settings } from './config.ts'
import type { Graph } from './graph.ts'
import { httpEdge } from './http.ts'
import { socketEdge } from './socket.ts'
import { Subscriptions } from './subscriptions.ts'

export const service = defineService({
  name: 'graphql',
  settings,
  async start(context: Context<Settings>) {
    await Promise.all(subgraphNames.map((name) => context.discovery.watch(name)))
    const subscriptions = new Subscriptions()
    context.metrics
      .gauge('graphql_subscriptions', 'Subscriptions that are being answered')
      .collect(() => subscriptions.open)
    const graph = late(async () => {
      const [{ Graph }, { askSubgraph, followOrder }] = await Promise.all([
        import('./graph.ts'),
        import('./subgraphs.ts'),
      ])
      return new Graph({
        log: context.log,
        tracer: context.tracer,
        settings: () => context.settings.current(),
        introspection: isLoopback(context.host),
        ask: askSubgraph(context),
        follow: followOrder(context),
      })
    })
    return {
      http: [httpEdge(context, graph, subscriptions)],
      sockets: [socketEdge({ clock: context.clock, graph, subscriptions })],
    }
  },
})

/** Made by whoever needs it first, and again after a failure. */
const late = (make: () => Promise<Graph>): (() => Promise<Graph>) => {
  let made: Promise<Graph> | undefined
  return () => {
    made ??= make()
    made.catch(() => {
      made = undefined
    })
    return made
  }
}
