/** Operations for operators: asked of the gateway as whoever signed in, else, on this machine, as who may read there. */
import type { IncomingMessage } from 'node:http'
import { Problem } from '@svyaz/stage'
import { sessionOf } from './guard.ts'
import { type Answer, type Asked, ask } from './requests.ts'
import type { Parts } from './route.ts'

/**
 * What the gateway answers an administrator; only for routes of operators (route.ts, `Access`).
 * @throws Problem 401 where nobody has signed in and there is no reader; Unreachable
 */
export async function asAdministrator(
  parts: Pick<Parts, 'sessions' | 'operators' | 'gateway' | 'reader'>,
  request: IncomingMessage,
  asked: Asked,
): Promise<Answer> {
  const session = sessionOf(request, parts.sessions)
  const tokens = parts.operators.tokensOf(session)
  if (tokens !== undefined) {
    const authorization = `Bearer ${tokens.accessToken}`
    return ask({ url: parts.gateway }, { ...asked, headers: { ...asked.headers, authorization } })
  }
  if (parts.reader === undefined) throw new Problem(401, 'sign_in_needed', 'sign in for this')
  return parts.reader.ask(asked)
}
