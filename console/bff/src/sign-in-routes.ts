/** The requests by which a browser signs in and out (sign-in.ts), and what a page is told of it. */
import type { ServerResponse } from 'node:http'
import { readJsonObject, sendJson } from '@svyaz/stage'
import type { SessionAnswer } from '../../protocol.ts'
import { sessionOf } from './guard.ts'
import { limits } from './limits.ts'
import type { Operators } from './operators.ts'
import type { Call, Parts, Route } from './route.ts'
import type { Session } from './sessions.ts'

/** What a page needs to know of its session. */
function sessionAnswer(session: Session, operators: Operators): SessionAnswer {
  const operator = operators.known(session)
  return {
    csrf: session.csrf,
    signInRequired: operators.required,
    ...(operator && { operator: { name: operator.name, email: operator.email, roles: operator.roles } }),
  }
}

/** The session of a browser; `GET /api/sign-in` leads to the provider, which leads to `GET /api/signed-in`; `POST /api/sign-out` ends it. */
export const signInRoutes = (parts: Parts): readonly Route[] => [
  { method: 'GET', path: /^\/api\/session$/, access: 'anyone', handle: (call) => tell(parts, call) },
  { method: 'GET', path: /^\/api\/sign-in$/, access: 'anyone', handle: (call) => begin(parts, call) },
  { method: 'GET', path: /^\/api\/signed-in$/, access: 'anyone', handle: (call) => finish(parts, call) },
  { method: 'POST', path: /^\/api\/sign-out$/, access: 'page', handle: (call) => end(parts, call) },
]

function tell({ sessions, operators }: Parts, { request, response }: Call): void {
  const session = sessions.find(request.headers.cookie) ?? sessions.open(request.socket.remoteAddress ?? '')
  sendJson(response, 200, sessionAnswer(session, operators), { 'set-cookie': sessions.cookie(session) })
}

async function begin({ signIn }: Parts, { response, query }: Call): Promise<void> {
  const language = query.get('language')
  const { location, cookie } = await signIn.begin(
    query.get('to') ?? '/',
    language === 'ru' || language === 'en' ? language : undefined,
  )
  redirect(response, location, [cookie])
}

async function finish({ sessions, signIn, operators, log }: Parts, { request, response, query }: Call): Promise<void> {
  const { tokens, to, cookie } = await signIn.finish(query, request.headers.cookie)
  const before = sessions.find(request.headers.cookie)
  if (before !== undefined) sessions.close(before)
  const session = sessions.open(request.socket.remoteAddress ?? '')
  const operator = await operators.enter(session, tokens)
  log('info', 'signed in', { by: operator.userId, roles: operator.roles })
  redirect(response, to, [cookie, sessions.cookie(session)])
}

async function end({ sessions, operators, log }: Parts, { request, response }: Call): Promise<void> {
  await readJsonObject(request, limits.bodyBytesMax)
  const session = sessionOf(request, sessions)
  const by = operators.known(session)?.userId
  const location = await operators.leave(session)
  if (by !== undefined) log('info', 'signed out', { by })
  sendJson(response, 200, location === undefined ? {} : { location })
}

function redirect(response: ServerResponse, location: string, cookies: readonly string[]): void {
  response.writeHead(303, {
    location,
    'set-cookie': [...cookies],
    'cache-control': 'no-store',
    'content-length': '0',
    'referrer-policy': 'no-referrer',
  })
  response.end()
}
