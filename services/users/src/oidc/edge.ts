/**
 * OpenID Connect at `/oidc`, as the gateway passes it on. The provider is loaded with the first request: its import costs
 * 0.4 s of CPU, which no start of the service should pay for. Read provider.ts next, then interactions.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { clientAuthorizationHeader, oidcPath } from '@svyaz/contracts/http/oidc.ts'
import { answerProblem, Failure, type RawHttpHandler, readBody, toFailure } from '@svyaz/kit'
import type { Provider } from 'oidc-provider'
import { limits } from '../config.ts'
import type { UsersContext } from '../context.ts'
import { currentKeys, readSecrets, type Secrets } from './keys.ts'
import type { Form } from './token-requests.ts'

/** The name of the provider to the world. */
export const issuerUrl = ({ environment }: Pick<UsersContext, 'environment'>): string =>
  `${String(environment.SVYAZ_PUBLIC_URL)}${oidcPath}`

export interface OpenIdEdge extends RawHttpHandler {
  /** Tells the clients of a user that every sign-in of a browser has ended. Best effort: a client asks again anyway. */
  tellClients(userId: string): void
}

/** Everything below `/oidc`. */
export const openIdEdge = (context: UsersContext): OpenIdEdge => {
  const current = new CurrentProvider(context)
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const form = request.method === 'POST' ? await formOf(request) : undefined
    mount(request, new URL(issuerUrl(context)), form)
    const provider = await current.get()
    if (!request.url?.startsWith('/interaction/')) return provider.callback()(request, response)
    const { answerInteraction } = await import('./interactions.ts')
    await answerInteraction(context, provider, { request, response, form })
  }
  const tell = async (userId: string) => {
    const provider = await current.get()
    const { tellOfSignOut } = await import('./back-channel.ts')
    await tellOfSignOut(context, provider, userId)
  }
  return {
    tellClients: (userId) =>
      void tell(userId).catch((error: unknown) => context.log.warn({ error: String(error) }, 'no client was told')),
    route: { below: oidcPath, access: { anonymous: true } },
    answer: (request, response) =>
      void serve(request, response).catch((error: unknown) => answerProblem(context, response, toFailure(error))),
  }
}

/** The provider with the keys of now: made again when they have changed, while the one before ends what it has begun. */
class CurrentProvider {
  readonly #context: UsersContext
  #secrets: Promise<Secrets> | undefined
  #made: { provider: Provider; keyIds: string } | undefined
  #looking: Promise<Provider> | undefined
  /** Monotonic ms. */
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(context: UsersContext) {
    this.#context = context
  }

  get(): Promise<Provider> | Provider {
    const age = this.#context.clock.monotonic() - this.#lookedAt
    if (this.#made !== undefined && age < limits.oidc.keysKnownMs) return this.#made.provider
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<Provider> {
    const context = this.#context
    this.#secrets ??= readSecrets(context)
    const startedAt = context.clock.monotonic()
    const secrets = await this.#secrets.catch((error: unknown) => {
      this.#secrets = undefined
      throw error
    })
    const keys = await currentKeys(context, secrets)
    const keyIds = keys.map(({ kid }) => kid).join()
    if (this.#made?.keyIds !== keyIds) {
      const { createProvider } = await import('./provider.ts')
      this.#made = { provider: createProvider(context, { issuer: issuerUrl(context), secrets, keys }), keyIds }
    }
    this.#lookedAt = startedAt
    return this.#made.provider
  }
}

/** oidc-provider believes to be at the root, and reads its own address from the request: it is the issuer's. */
const mount = (request: IncomingMessage, issuer: URL, form: Form | undefined): void => {
  const { headers, url = '' } = request
  const rest = url.slice(oidcPath.length)
  const { [clientAuthorizationHeader]: authorization } = headers
  // The gateway's own token has done its work; what the client sent comes in its place.
  headers.authorization = undefined
  if (typeof authorization === 'string') headers.authorization = authorization
  else delete headers.authorization
  headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
  headers['x-forwarded-host'] = issuer.host
  headers.host = issuer.host
  Object.assign(request, {
    originalUrl: url,
    url: rest.startsWith('/') ? rest : `/${rest}`,
    ...(form === undefined ? {} : { body: form }),
  })
  // It reads the body for itself, which is in memory by now.
  if (form === undefined) return
  const body = Buffer.from(String(new URLSearchParams(form as Record<string, string>)))
  headers['content-length'] = String(body.length)
  Object.defineProperty(request, 'readable', { value: true })
  Object.defineProperty(request, 'iterator', { value: () => [body] })
}

/** The form that was posted. @throws Failure body_too_large, unsupported_media_type, invalid_request */
const formOf = async (request: IncomingMessage): Promise<Form> => {
  const body = await readBody(request, limits.oidc.bodyBytesMax)
  if (body.length === 0) return {}
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Failure('unsupported_media_type', 'this takes application/x-www-form-urlencoded')
  const fields = [...new URLSearchParams(body.toString('utf8'))]
  // RFC 6749, 3.1: two readers could take different ones.
  if (new Set(fields.map(([name]) => name)).size < fields.length)
    throw new Failure('invalid_request', 'a field of the form is given twice')
  return Object.fromEntries(fields)
}
