/**
 * Who may ask. Everything is refused to a foreign Host (DNS rebinding) or Origin; what changes something must besides
 * come from a page that was given the session's token: a form or a script of another site can send neither JSON nor a
 * header of its own without asking first, and asking is never answered with leave (no CORS here).
 */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Problem, refuseForeign } from '@svyaz/stage'
import { csrfHeader } from '../../protocol.ts'
import type { Session, Sessions } from './sessions.ts'

/** @throws Problem 403 for a foreign Host or Origin, and for what a browser says comes from another site. */
export function refuseOtherSites(request: IncomingMessage, allowedHosts: readonly string[]): void {
  refuseForeign(request, allowedHosts)
  // Fetch metadata (W3C): browsers send it, nobody can forge it from a page. A click on a link elsewhere may open the
  // page itself, and nothing else.
  const site = request.headers['sec-fetch-site']
  const path = request.url?.split('?', 1)[0] ?? ''
  const opensPage =
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.method === 'GET' &&
    // The identity provider sends browsers back to one path of the API.
    (!path.startsWith('/api/') || path === consoleClient.callbackPath)
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opensPage)
    throw new Problem(403, 'foreign_site', 'requests from other sites are refused')
}

/** @throws Problem 401 without a session */
export function sessionOf(request: IncomingMessage, sessions: Sessions): Session {
  const session = sessions.find(request.headers.cookie)
  if (session === undefined) throw new Problem(401, 'no_session', 'ask GET /api/session for a session first')
  return session
}

/**
 * For whatever changes something.
 * @throws Problem 403 without an Origin of our own, or without the session's token; 401 without a session
 */
export function refuseForged(request: IncomingMessage, sessions: Sessions): void {
  const session = sessionOf(request, sessions)
  if (request.headers.origin === undefined && request.headers['sec-fetch-site'] !== 'same-origin')
    throw new Problem(403, 'no_origin', 'a change must say by its Origin which page asks for it')
  const given = request.headers[csrfHeader]
  if (typeof given !== 'string' || !equal(given, session.csrf))
    throw new Problem(403, 'csrf', `${csrfHeader} must carry the token of GET /api/session`)
}

/** Of as many bytes, which is not of as many characters: `timingSafeEqual` throws for others. */
function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
