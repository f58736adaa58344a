/** As whom the API page may ask the gateway, and how each of them does it. */
import type { IncomingMessage } from 'node:http'
import { Problem } from '@svyaz/stage'
import { type CallerName, callerNames } from '../../explore.ts'
import { sessionOf } from './guard.ts'
import { type Answer, type Asked, ask } from './requests.ts'
import type { Parts } from './route.ts'

export interface Caller {
  /** @throws Unreachable */
  ask(asked: Asked): Promise<Answer>
  /** What says who asks, for streams and sockets. @throws Unreachable */
  authorization(): Promise<Readonly<Record<string, string>>>
}

/** Those that this page may ask as, by its session. */
export function callersFor(parts: Parts, request: IncomingMessage): CallerName[] {
  const session = sessionOf(request, parts.sessions)
  const there: Readonly<Record<CallerName, boolean>> = {
    me: parts.operators.known(session) !== undefined,
    ada: true,
    boris: true,
    // Where operators sign in, they act under their own names.
    administrator: parts.reader !== undefined && !parts.operators.required,
    nobody: true,
  }
  return callerNames.filter((name) => there[name])
}

/**
 * The one of that name, if this page may.
 * @throws Problem 400 for a name that isn't there
 */
export async function callerOf(parts: Parts, request: IncomingMessage, name: unknown): Promise<Caller> {
  const session = sessionOf(request, parts.sessions)
  const known = callersFor(parts, request).find((one) => one === name)
  if (known === 'ada' || known === 'boris') return parts.person(known)
  if (known === 'administrator' && parts.reader !== undefined) return parts.reader
  if (known === 'nobody') return withHeaders(parts.gateway, {})
  const tokens = known === 'me' ? parts.operators.tokensOf(session) : undefined
  if (tokens === undefined) throw new Problem(400, 'invalid_request', 'nobody of that name can ask from here')
  return withHeaders(parts.gateway, { authorization: `Bearer ${tokens.accessToken}` })
}

const withHeaders = (url: string, own: Readonly<Record<string, string>>): Caller => ({
  ask: (asked) => ask({ url }, { ...asked, headers: { ...asked.headers, ...own } }),
  authorization: async () => own,
})
