/** What a route of the console's server is, what it works with, and how what it does is kept in the activity log. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Log, Problem, send } from '@svyaz/stage'
import type { ActivityLog, Asked } from './activity.ts'
import type { Assignment } from './assignment.ts'
import type { BackChannel } from './back-channel.ts'
import type { Broker } from './broker.ts'
import type { Discovery } from './discovery.ts'
import type { FaultLab } from './fault-lab.ts'
import type { GatewaySession } from './gateway-session.ts'
import { sessionOf } from './guard.ts'
import type { LiveTunnels } from './live-tunnels.ts'
import type { Operators } from './operators.ts'
import type { Pages } from './pages.ts'
import type { Person } from './person.ts'
import type { ProcessPast } from './process-past.ts'
import type { Relay } from './relay.ts'
import type { Answer } from './requests.ts'
import type { Sessions } from './sessions.ts'
import type { SignIn } from './sign-in.ts'
import type { Supervisor } from './supervisor.ts'
import type { Tracker } from './tracker.ts'

/** What the routes work with. */
export interface Parts {
  readonly log: Log
  readonly sessions: Sessions
  readonly signIn: SignIn
  readonly operators: Operators
  readonly backChannel: BackChannel
  readonly supervisor: Supervisor
  readonly past: ProcessPast
  readonly tracker: Tracker
  readonly relay: Relay
  readonly pages: Pages
  readonly activity: ActivityLog
  /** http://host:port */
  readonly telemetry: string | undefined
  readonly tunnels: LiveTunnels
  readonly broker: Broker
  readonly discovery: Discovery | undefined
  /** http://host:port of the mail sink. */
  readonly mails: string | undefined
  /** Path of the certificate that the gateway's port with TLS is trusted by. */
  readonly authority: string | undefined
  readonly faultLab: FaultLab
  readonly assignment: Assignment
  /** http://host:port */
  readonly gateway: string
  /** Who may read, and on this machine change, what administrators may; undefined where there is nobody. */
  readonly reader: GatewaySession | undefined
  readonly counts: { requests: number; refused: number; orders: number; actions: number }
  /** Aborts when the server ends. */
  readonly ending: AbortSignal
  /** @throws Problem 404 for a name that isn't one of the demo users */
  person(name: string): Person
}

export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the groups of the path caught. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
}

/**
 * Who may ask; edge.ts sees to it before the handler is called.
 *
 * - `anyone`: nothing is needed, for it is how a session is come by;
 * - `page`: a page that was given a session, and, to change something, its token;
 * - `operator`: besides, where operators have to sign in, somebody who has and has the role;
 * - `servers`: another server, which has neither a session nor an origin: the handler judges who it is.
 */
export type Access = 'anyone' | 'page' | 'operator' | 'servers'

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  readonly access: Access
  readonly handle: (call: Call) => Promise<void> | void
}

/** Hands on what another server answered, as it is. */
export function passOn(response: ServerResponse, answer: Answer): void {
  const retryAfter = answer.headers['retry-after']
  send(
    response,
    answer.status,
    String(answer.headers['content-type'] ?? 'application/json'),
    answer.text,
    typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {},
  )
}

/**
 * Does what an operator asks for, and keeps in the activity log who asked and what came of it.
 * @throws whatever the work does
 */
export async function acted<T>(
  parts: Parts,
  request: IncomingMessage,
  asked: Omit<Asked, 'who'>,
  work: () => Promise<T>,
): Promise<T> {
  const session = sessionOf(request, parts.sessions)
  const operator = parts.operators.known(session)
  const by = operator?.userId ?? 'whoever is at this machine'
  const entry = { who: operator?.name ?? '', ...asked }
  parts.counts.actions += 1
  parts.log('info', 'asked by a page', { ...asked, by })
  try {
    const outcome = await work()
    parts.activity.add(entry)
    return outcome
  } catch (error) {
    parts.activity.add(entry, error instanceof Problem ? error.code : 'unavailable')
    throw error
  }
}
