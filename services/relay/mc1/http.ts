/** Starting, stopping and looking at sessions. Anybody at this machine may; a page of another site may not. */
import { getRelayNow, getRelaySession, listRelaySessions, startRelay, stopRelay } from '@svyaz/contracts/http/relay.ts'
import { type Context, Failure, type HttpHandler, handle } from '@svyaz/kit'
import type { Settings } from './config.ts'
import type { Link } from './link.ts'
import { mayControl } from './local-control.ts'
import type { Sessions } from './sessions.ts'
import type { RelayStorage } from './storage.ts'

/** The HTTP operations of MC1: start, stop, sessions, the loop at this moment. */
export const httpEdge = (
  context: Context<Settings>,
  { sessions, storage, link }: { sessions: Sessions; storage: RelayStorage; link: Link },
): HttpHandler[] => [
  handle(startRelay, async ({ headers }) => {
    mayControl(headers, context.settings.current().controlOrigins)
    return { body: await sessions.start() }
  }),
  handle(stopRelay, async ({ headers }) => {
    mayControl(headers, context.settings.current().controlOrigins)
    return { body: await sessions.stop() }
  }),
  handle(listRelaySessions, async () => {
    const current = sessions.current()
    const listed = await storage.list()
    return { body: listed.map((session) => (session.sessionId === current?.sessionId ? current : session)) }
  }),
  handle(getRelaySession, async ({ params }) => {
    const current = sessions.current()
    if (current?.sessionId === params.id) return { body: current }
    const found = await storage.find(params.id)
    if (!found) throw new Failure('not_found', `there is no session ${params.id}`)
    return { body: found }
  }),
  handle(getRelayNow, async () => {
    const { intervalSeconds, inFlight, payloadBytes, messagesPerSecond } = context.settings.current()
    return {
      body: {
        session: sessions.current() ?? null,
        latestSession: sessions.latest(),
        linked: link.open,
        settings: { intervalSeconds, inFlight, payloadBytes, messagesPerSecond },
        ...sessions.hops(),
      },
    }
  }),
]
