/**
 * The OpenID provider (oidc-provider, certified) on the tables of users: authorization code with PKCE (S256), rotating
 * refresh tokens, client credentials, introspection, revocation, end of session; nothing else is switched on.
 * Read edge.ts first: it loads this when the first request comes.
 */
import type { JsonWebKey } from 'node:crypto'
import { type Failure, toFailure } from '@svyaz/kit'
import { type Configuration, type errors, type JWKS, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { limits } from '../config.ts'
import type { UsersContext } from '../context.ts'
import { userById } from '../storage.ts'
import { beginSession } from '../tokens.ts'
import { firstParty, isSecretOf } from './clients.ts'
import type { Secrets } from './keys.ts'
import { errorPage, pagePolicy, signedOutPage, signOutPage } from './pages.ts'
import { Records } from './records.ts'
import { type Form, inOneTransaction } from './token-requests.ts'
import { inTransaction, queryOf, tokenRequest } from './transaction.ts'
import { languageOf } from './words.ts'

/** What a client may ask to know. */
export const scopes = ['openid', 'profile', 'email', 'roles', 'offline_access'] as const

interface Wanted {
  /** Its URL, with the path at which it is mounted. */
  issuer: string
  secrets: Secrets
  /** Private; the first one signs. */
  keys: readonly JsonWebKey[]
}

/** A provider with these keys. Another is made when they change; those that still answer are left to end. */
export const createProvider = (context: UsersContext, { issuer, secrets, keys }: Wanted): Provider => {
  const provider = new Provider(issuer, configurationOf(context, { issuer, secrets, keys }))
  provider.proxy = true
  nameModels(provider)
  // The stored secret is a hash (clients.ts).
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: { clientSecret?: string }, secret: string) {
      return isSecretOf(this.clientSecret, secret)
    },
  })
  provider.use(async (koa, next) => {
    const form = (koa.req as { body?: Form }).body
    const isTokenRequest = koa.method === 'POST' && koa.path === '/token' && form !== undefined
    if (isTokenRequest && tokenRequest.getStore() === undefined)
      await answerTokenRequest(context, provider, koa as KoaContextWithOIDC, form)
    else await next()
    finishPage(koa as KoaContextWithOIDC)
  })
  const { log } = context
  const refused = (koa: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    log.info({ code: error.error, detail: error.error_detail, client: koa.oidc.client?.clientId }, 'OpenID refused')
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('introspection.error', refused)
  provider.on('revocation.error', refused)
  provider.on('end_session.error', refused)
  provider.on('userinfo.error', refused)
  provider.on('backchannel.error', (_koa, error, client) =>
    log.warn({ client: client.clientId, error: String(error) }, 'a client was not told of a sign-out'),
  )
  provider.on('server_error', (_koa, error) => {
    const request = tokenRequest.getStore()
    if (request === undefined) log.error({ err: error }, 'OpenID broke')
    else request.broke = error
  })
  return provider
}

/** Koa's own, which its types leave out. */
interface Composing {
  compose(middleware: Provider['middleware']): (koa: KoaContextWithOIDC) => Promise<void>
}

/**
 * `next` may be called once, and a context be given to the provider once: each try goes through all of it on a context of
 * its own, and passes this by, as its transaction is there.
 */
const answerTokenRequest = async (
  context: UsersContext,
  provider: Provider,
  koa: KoaContextWithOIDC,
  form: Form,
): Promise<void> => {
  const whole = (provider as Provider & Composing).compose(provider.middleware)
  try {
    await inOneTransaction(context, koa, form, async () => {
      const fresh = provider.createContext(koa.req, koa.res) as KoaContextWithOIDC
      koa.res.statusCode = 404
      await whole(fresh)
      return fresh
    })
  } catch (error) {
    const failure = toFailure(error)
    context.log.error({ err: failure.cause ?? error }, 'OpenID broke')
    const { error: code, status } = refusalFor(failure)
    koa.status = status
    koa.body = { error: code }
    if (status === 503) koa.set('retry-after', String(failure.retryAfterSeconds ?? 1))
  }
}

/** In the words of RFC 6749, 5.2, as far as it has some for what isn't the client's fault. */
const refusalFor = ({ code }: Failure): { error: string; status: 500 | 503 } =>
  code === 'unavailable' ? { error: 'temporarily_unavailable', status: 503 } : { error: 'server_error', status: 500 }

const configurationOf = (context: UsersContext, { issuer, secrets, keys }: Wanted): Configuration => ({
  adapter: (kind: string) => new Records(context, kind),
  jwks: { keys } as unknown as JWKS,
  cookies: cookiesOf(issuer, secrets),
  scopes: [...scopes],
  claims: { openid: ['sub'], profile: ['name'], email: ['email'], roles: ['roles'] },
  responseTypes: ['code'],
  pkce: { required: () => true },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  clientDefaults: { id_token_signed_response_alg: 'RS256' },
  enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
  extraClientMetadata: { properties: [firstParty] },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: { enabled: false },
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_koa, client, token) => isOwn(client, token) },
    revocation: { enabled: true, allowedPolicy: (_koa, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (koa, form) => {
        koa.body = signOutPage(languageOf(koa), form)
      },
      postLogoutSuccessSource: (koa) => {
        koa.body = signedOutPage(languageOf(koa))
      },
    },
  },
  // It asks nobody but the console, which may well be on this machine: its own guard against that stays out.
  fetch: (url, { dispatcher: _guard, ...options } = {}) => fetch(url, options),
  interactions: { url: (_koa, interaction) => `${new URL(issuer).pathname}/interaction/${interaction.uid}` },
  findAccount: (_koa, id) => accountOf(context, id),
  loadExistingGrant: (koa) => grantOf(context, koa),
  issueRefreshToken: (_koa, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  // What revokes a part of a session ends it: there is no use for half of one.
  revokeGrantPolicy: () => true,
  // Signing out of the browser ends it, unless the user has agreed to more.
  expiresWithSession: (_koa, { scopes: granted }) => !granted.has('offline_access'),
  ttl: ttlOf(context),
  renderError: (koa, { error, error_description: description }) => {
    koa.type = 'html'
    koa.body = errorPage(languageOf(koa), { error, description })
  },
})

/** Records are told apart by the names of their classes, which a bundler drops as nobody in the code says them. */
const nameModels = (provider: Provider): void => {
  for (const name of modelNames) Object.defineProperty(provider[name], 'name', { value: name })
}
const modelNames = [
  'AccessToken',
  'AuthorizationCode',
  'Client',
  'ClientCredentials',
  'Grant',
  'IdToken',
  'Interaction',
  'RefreshToken',
  'ReplayDetection',
  'Session',
] as const

/** A client may ask about its own tokens; about those of others it learns nothing (RFC 7662, 4). */
const isOwn = (client: { clientId: string; clientAuthMethod?: unknown }, token: { clientId?: string | undefined }) =>
  client.clientAuthMethod !== 'none' && token.clientId === client.clientId

/** `__Host-` where there is TLS: no other host, port or path can have set it. */
const cookiesOf = (issuer: string, secrets: Secrets): NonNullable<Configuration['cookies']> => {
  const { protocol, pathname } = new URL(issuer)
  const secure = protocol === 'https:'
  const common = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    keys: [secrets.cookies],
    names: {
      session: secure ? '__Host-svyaz_sign_in' : 'svyaz_sign_in',
      interaction: secure ? '__Secure-svyaz_interaction' : 'svyaz_interaction',
      resume: secure ? '__Secure-svyaz_resume' : 'svyaz_resume',
    },
    long: { ...common, path: secure ? '/' : pathname },
    short: common,
  }
}

/** Seconds. Sessions end by their family too, by the database's clock (records.ts). */
const ttlOf = (context: UsersContext): NonNullable<Configuration['ttl']> => {
  const now = () => context.settings.current()
  return {
    AccessToken: () => now().accessTokenSeconds,
    ClientCredentials: () => now().accessTokenSeconds,
    AuthorizationCode: limits.oidc.codeSeconds,
    IdToken: limits.oidc.idTokenSeconds,
    Interaction: limits.oidc.interactionSeconds,
    RefreshToken: () => now().refreshTokenSeconds,
    Grant: () => now().sessionSecondsMax,
    // From the password on, however often it is used.
    Session: (_koa, session) => {
      const since = session.loginTs === undefined ? 0 : Math.max(0, Math.floor(Date.now() / 1_000) - session.loginTs)
      return Math.max(1, now().sessionSecondsMax - since)
    },
  }
}

const accountOf = async (context: UsersContext, id: string) => {
  const user = await userById({ query: queryOf(context) }, id)
  if (user?.status !== 'active') return undefined
  return {
    accountId: id,
    claims: () => ({ sub: id, name: user.name, email: user.email, roles: user.roles }),
  }
}

/** What was agreed to; for a client that is a part of this system there is nothing to agree to. */
const grantOf = async (context: UsersContext, koa: KoaContextWithOIDC) => {
  const { provider, session, client, params } = koa.oidc
  if (session === undefined || client === undefined) return undefined
  const id = koa.oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const known = id === undefined ? undefined : await provider.Grant.find(id)
  if (known !== undefined || client[firstParty] !== true || session.accountId === undefined) return known
  return newGrant(context, provider, {
    userId: session.accountId,
    clientId: client.clientId,
    scope: String(params?.scope ?? ''),
  })
}

/** A grant, and with it a session of the user, whose id it has. */
export const newGrant = async (
  context: UsersContext,
  provider: Provider,
  { userId, clientId, scope }: { userId: string; clientId: string; scope: string },
) => {
  const grant = new provider.Grant({ accountId: userId, clientId })
  grant.jti = await inTransaction(context, (tx) => beginSession(context, tx, userId))
  grant.addOIDCScope(scope)
  await grant.save()
  return grant
}

/** Pages that would send themselves by a script have a button instead: none runs where passwords are typed. */
const finishPage = (koa: KoaContextWithOIDC): void => {
  if (typeof koa.body !== 'string' || koa.response.type !== 'text/html') return
  const { postLogoutRedirectUris = [], redirectUris = [] } = koa.oidc?.client ?? {}
  if (koa.body.includes('<script')) {
    const form = /<form [\s\S]*<\/form>/.exec(koa.body)?.[0].replaceAll(/<noscript>[\s\S]*?<\/noscript>/g, '') ?? ''
    koa.body = signOutPage(languageOf(koa), form, { confirmed: true })
  }
  const origins = [...postLogoutRedirectUris, ...redirectUris].map((uri) => new URL(uri).origin)
  koa.set('content-security-policy', pagePolicy([...new Set(origins)]))
}
