/** Takes the provider's word that somebody has signed out elsewhere, and ends what it names here. */
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Problem, readBody, send } from '@svyaz/stage'
import { limits } from './limits.ts'
import { BadLogoutToken } from './logout-token.ts'
import type { Call, Parts, Route } from './route.ts'

/** Where a provider says it: by its own request, without cookies and without a page. */
export const backChannelRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'POST',
    path: new RegExp(`^${consoleClient.logoutPath}$`),
    access: 'servers',
    handle: (c) => take(parts, c),
  },
]

async function take({ backChannel, operators, sessions, log }: Parts, { request, response }: Call): Promise<void> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Problem(415, 'unsupported_media_type', 'this takes application/x-www-form-urlencoded')
  const form = new URLSearchParams((await readBody(request, limits.bodyBytesMax)).toString('utf8'))
  try {
    const signedOut = await backChannel.read(form.get('logout_token') ?? '')
    const ended = operators.signedOutElsewhere(sessions.all(), signedOut)
    if (ended > 0) log('info', 'signed out elsewhere', { sessions: ended })
    send(response, 200, 'application/json', '{}', { 'cache-control': 'no-store' })
  } catch (error) {
    if (!(error instanceof BadLogoutToken)) throw error
    log('warn', 'a logout was refused', { why: error.message })
    // In the words of the standard, 2.8.
    const body = JSON.stringify({ error: 'invalid_request', error_description: error.message })
    send(response, 400, 'application/json', body, { 'cache-control': 'no-store' })
  }
}
