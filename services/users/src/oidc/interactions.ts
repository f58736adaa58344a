/** The steps of a sign-in that need its user: who it is (login), and whether the client may (consent). */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '@svyaz/kit'
import type { InteractionResults, Provider } from 'oidc-provider'
import type { UsersContext } from '../context.ts'
import { signIn } from '../login.ts'
import { consentPage, errorPage, loginPage, pagePolicy } from './pages.ts'
import { newGrant } from './provider.ts'
import type { Form } from './token-requests.ts'
import { type Language, pickLanguage, type Words } from './words.ts'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

interface Step {
  context: UsersContext
  provider: Provider
  request: IncomingMessage
  response: ServerResponse
  interaction: Interaction
  language: Language
  client: { name: string; origins: string[] }
}

/**
 * Answers `/oidc/interaction/…`. Whose sign-in it is says a cookie that is signed, bound to the path, and not sent with
 * forms of other sites (SameSite); what it posts must come from this page besides.
 */
export const answerInteraction = async (
  context: UsersContext,
  provider: Provider,
  { request, response, form }: { request: IncomingMessage; response: ServerResponse; form: Form | undefined },
): Promise<void> => {
  const language = pickLanguage(undefined, request.headers['accept-language'])
  const interaction = await provider.interactionDetails(request, response).catch(() => undefined)
  const uid = request.url?.split('?', 1)[0]?.split('/').at(-1)
  if (interaction === undefined || interaction.uid !== uid)
    return sendPage(response, 400, errorPage(language, { error: 'session_not_found', why: 'expired' }))
  const client = await provider.Client.find(String(interaction.params.client_id))
  if (client === undefined)
    return sendPage(response, 400, errorPage(language, { error: 'invalid_client', why: 'expired' }))
  const step: Step = {
    context,
    provider,
    request,
    response,
    interaction,
    language: pickLanguage(interaction.params.ui_locales, request.headers['accept-language']),
    client: {
      name: client.clientName ?? client.clientId,
      origins: (client.redirectUris ?? []).map((uri) => new URL(uri).origin),
    },
  }
  if (request.method !== 'POST' || form === undefined) return show(step)
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin')
    return sendStep(step, 403, errorPage(step.language, { error: 'foreign_site' }))
  if (form.action === 'cancel') return finish(step, { error: 'access_denied', error_description: 'the user said no' })
  if (interaction.prompt.name === 'login') return signInBy(step, form)
  return agree(step)
}

const show = (step: Step): void => {
  const { client, interaction, language } = step
  if (interaction.prompt.name === 'login')
    return sendStep(step, 200, loginPage(language, { client: client.name, email: hintOf(interaction) }))
  const scopes = String(interaction.params.scope ?? '').split(' ')
  sendStep(step, 200, consentPage(language, { client: client.name, scopes }))
}

const hintOf = ({ params }: Interaction): string =>
  typeof params.login_hint === 'string' ? params.login_hint.slice(0, 254) : ''

const signInBy = async (step: Step, { email = '', password = '' }: Form): Promise<void> => {
  const { context, request } = step
  const address = request.headers['x-forwarded-for']
  const gone = new AbortController()
  step.response.once('close', () => gone.abort(new Failure('unavailable', 'the caller went away')))
  try {
    const attempt = { email, password, address: typeof address === 'string' ? address : 'unknown' }
    const userId = await signIn(context, attempt, gone.signal, async (_tx, { id }) => id)
    await finish(step, { login: { accountId: userId, amr: ['pwd'] } })
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    const { status, why, retryAfterSeconds } = refusal
    if (retryAfterSeconds !== undefined) step.response.setHeader('retry-after', String(retryAfterSeconds))
    const page = loginPage(step.language, { client: step.client.name, email: email.slice(0, 254), why })
    sendStep(step, status, page)
  }
}

/** What a user is told of a failed login; undefined for anything but a refusal. */
const refusalOf = (
  error: unknown,
): { status: number; why: keyof Words; retryAfterSeconds?: number | undefined } | undefined => {
  if (!(error instanceof Failure)) return undefined
  const { retryAfterSeconds } = error
  switch (error.code) {
    case 'invalid_credentials':
      return { status: 401, why: 'wrong' }
    case 'user_blocked':
      return { status: 403, why: 'blocked' }
    case 'too_many_requests':
      return { status: 429, why: 'wait', retryAfterSeconds }
    case 'unavailable':
      return { status: 503, why: 'away', retryAfterSeconds: retryAfterSeconds ?? 1 }
    default:
      return undefined
  }
}

const agree = async (step: Step): Promise<void> => {
  const { context, provider, interaction } = step
  const userId = interaction.session?.accountId
  if (userId === undefined) return finish(step, { error: 'access_denied' })
  const grant = await newGrant(context, provider, {
    userId,
    clientId: String(interaction.params.client_id),
    scope: String(interaction.params.scope ?? ''),
  })
  await finish(step, { consent: { grantId: grant.jti } })
}

const finish = ({ provider, request, response }: Step, result: InteractionResults): Promise<void> =>
  provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })

/** Each page of a step has the client's origins in its policy: its form leads there in the end, by redirects. */
const sendStep = ({ response, client }: Step, status: number, page: string): void =>
  sendPage(response, status, page, client.origins)

/** @param leadsTo origins to which a form on the page may lead in the end */
export const sendPage = (
  response: ServerResponse,
  status: number,
  page: string,
  leadsTo: readonly string[] = [],
): void => {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': pagePolicy(leadsTo),
    'cache-control': 'no-store',
  })
  response.end(page)
}
