/**
 * Signing in to the console by OpenID Connect: authorization code with PKCE, state, nonce and the issuer's name in the
 * answer (RFC 9207). The tokens stay in this process; the browser has a cookie that means nothing elsewhere.
 * oauth4webapi, which judges every answer, is loaded with the first sign-in.
 */
import { type JsonWebKey, randomBytes } from 'node:crypto'
import { consoleClient, oidcPath } from '@svyaz/contracts/http/oidc.ts'
import { Problem } from '@svyaz/stage'
import type { AuthorizationServer, Client } from 'oauth4webapi'
import { limits } from './limits.ts'
import { ask, Unreachable } from './requests.ts'
import { cookieOf } from './sessions.ts'

/** Somebody who has signed in. */
export interface Operator {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly roles: readonly string[]
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  /** Who it is at the provider, and which of its sessions: what a logout there names. */
  readonly subject: string | undefined
  readonly sid: string | undefined
}

export interface SignInOptions {
  /** http://host:port of the gateway, as this process reaches it. */
  readonly gateway: string
  /** As browsers reach this console; known when it listens. */
  readonly publicUrl: () => string
  /** Whether that is by TLS. */
  readonly secure: boolean
  /** Another provider than the gateway's own, by its URL; it has to know the client `console`. */
  readonly issuer?: string
}

interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** A path of the page. */
  readonly to: string
  readonly endsAtMs: number
}

/** Its cookie comes back from another site, so it is `Lax`; it is good once and for that path alone. */
const pendingCookie = 'svyaz_console_sign_in'

export class SignIn {
  readonly #options: SignInOptions
  readonly #now: () => number
  readonly #pending = new Map<string, Pending>()
  #server: Promise<AuthorizationServer> | undefined

  /** @param now milliseconds, monotonic */
  constructor(options: SignInOptions, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
  }

  get #redirectUri(): string {
    return `${this.#options.publicUrl()}${consoleClient.callbackPath}`
  }

  get isSecure(): boolean {
    return this.#options.secure
  }

  /** Where the browser goes to sign in, and the cookie by which it is known when it comes back. @throws Unreachable */
  async begin(to: string, language: string | undefined): Promise<{ location: string; cookie: string }> {
    const oauth = await import('oauth4webapi')
    const server = await this.#discovered()
    const pending: Pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      to: isOwnPath(to) ? to : '/',
      endsAtMs: this.#now() + limits.signInMs,
    }
    const id = randomBytes(32).toString('base64url')
    this.#makeRoom()
    this.#pending.set(id, pending)
    const url = new URL(server.authorization_endpoint ?? '')
    const parameters = {
      client_id: consoleClient.id,
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope: 'openid profile email roles',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      ...(language === undefined ? {} : { ui_locales: language }),
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return { location: url.href, cookie: this.#cookie(id, limits.signInMs / 1_000) }
  }

  /**
   * The tokens for the code that the browser brings back, and the path that it came from.
   *
   * @throws Problem 400 for an answer that belongs to no sign-in of this browser, or that the provider doesn't stand by
   */
  async finish(
    query: URLSearchParams,
    cookies: string | undefined,
  ): Promise<{ tokens: Tokens; to: string; cookie: string }> {
    const id = cookieOf(cookies, this.#pendingName)
    const pending = id === undefined ? undefined : this.#pending.get(id)
    if (id !== undefined) this.#pending.delete(id)
    if (pending === undefined || pending.endsAtMs < this.#now())
      throw new Problem(400, 'sign_in_over', 'this sign-in took too long, or was begun in another browser')
    const oauth = await import('oauth4webapi')
    const [server, client] = [await this.#discovered(), clientMetadata]
    try {
      const parameters = oauth.validateAuthResponse(server, client, query, pending.state)
      const answer = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        oauth.None(),
        parameters,
        this.#redirectUri,
        pending.verifier,
        { [oauth.allowInsecureRequests]: true },
      )
      const result = await oauth.processAuthorizationCodeResponse(server, client, answer, {
        expectedNonce: pending.nonce,
        requireIdToken: true,
      })
      const { sub: subject, sid } = oauth.getValidatedIdTokenClaims(result)!
      const tokens = { ...tokensOf(result), subject, sid: typeof sid === 'string' ? sid : undefined }
      return { tokens, to: pending.to, cookie: this.#cookie('', 0) }
    } catch (cause) {
      if (cause instanceof oauth.AuthorizationResponseError && cause.error === 'access_denied')
        throw new Problem(403, 'sign_in_refused', 'nobody signed in')
      throw new Problem(400, 'sign_in_failed', `the provider's answer is not good: ${String(cause)}`)
    }
  }

  /** New tokens for these, or undefined when the session has ended. @throws Unreachable */
  async refresh({ refreshToken, idToken, subject, sid }: Tokens): Promise<Tokens | undefined> {
    if (refreshToken === undefined) return undefined
    const oauth = await import('oauth4webapi')
    const server = await this.#discovered()
    const answer = await oauth.refreshTokenGrantRequest(server, clientMetadata, oauth.None(), refreshToken, {
      [oauth.allowInsecureRequests]: true,
    })
    try {
      const result = await oauth.processRefreshTokenResponse(server, clientMetadata, answer)
      return { ...tokensOf(result), idToken: result.id_token ?? idToken, subject, sid }
    } catch (cause) {
      if (cause instanceof oauth.ResponseBodyError && cause.status < 500) return undefined
      throw new Unreachable(`the provider refreshes nothing: ${String(cause)}`, { cause })
    }
  }

  /** Ends the session at the provider. @returns where the browser ends its own sign-in there, if that is to be asked */
  async end({ accessToken, refreshToken, idToken }: Tokens): Promise<string | undefined> {
    const oauth = await import('oauth4webapi')
    const server = await this.#discovered()
    await oauth
      .revocationRequest(server, clientMetadata, oauth.None(), refreshToken ?? accessToken, {
        [oauth.allowInsecureRequests]: true,
      })
      .catch(() => undefined)
    if (server.end_session_endpoint === undefined) return undefined
    const url = new URL(server.end_session_endpoint)
    url.searchParams.set('client_id', consoleClient.id)
    if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken)
    url.searchParams.set('post_logout_redirect_uri', `${this.#options.publicUrl()}/`)
    return url.href
  }

  /** Who these tokens are of, by the gateway's word of now; undefined when they have ended. @throws Unreachable */
  async whoIs({ accessToken }: Tokens): Promise<Operator | undefined> {
    const { status, text } = await ask(
      { url: this.#options.gateway },
      { path: '/users/me', headers: { authorization: `Bearer ${accessToken}` } },
    )
    if (status === 401) return undefined
    if (status !== 200) throw new Unreachable(`GET /users/me answered ${status}`, { status })
    const { id, name, email, roles } = JSON.parse(text) as { id: string } & Omit<Operator, 'userId'>
    return { userId: id, name, email, roles }
  }

  /** The name of the provider, by which it signs what it says. @throws Unreachable */
  async providerName(): Promise<string> {
    return (await this.#discovered()).issuer
  }

  /** Its public keys, as they are now. @throws Unreachable */
  async providerKeys(): Promise<JsonWebKey[]> {
    const { jwks_uri: url = '' } = await this.#discovered()
    const signal = AbortSignal.timeout(limits.callTimeoutMs)
    const answered = fetch(url, { signal, redirect: 'error' }).then((response) => response.json())
    const { keys } = (await answered.catch((cause: unknown) => {
      throw new Unreachable(`the keys of the identity provider: ${String(cause)}`, { cause })
    })) as { keys?: JsonWebKey[] }
    if (!Array.isArray(keys)) throw new Unreachable('the identity provider has no keys')
    return keys
  }

  /** Remembered while it is good; asked where this process reaches it, whatever name browsers know it by. */
  #discovered(): Promise<AuthorizationServer> {
    this.#server ??= this.#discover().catch((cause: unknown) => {
      this.#server = undefined
      throw new Unreachable(`the identity provider does not answer: ${String(cause)}`, { cause })
    })
    return this.#server
  }

  async #discover(): Promise<AuthorizationServer> {
    const { gateway, issuer } = this.#options
    const at = issuer ?? `${gateway}${oidcPath}`
    const response = await fetch(`${at}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(limits.callTimeoutMs),
      redirect: 'error',
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    const server = (await response.json()) as AuthorizationServer
    if (issuer !== undefined && server.issuer !== issuer) throw new Error(`it calls itself ${server.issuer}`)
    if (issuer !== undefined) return server
    const near = (url: string | undefined) => url?.replace(server.issuer, at)
    return {
      ...server,
      ...defined({
        token_endpoint: near(server.token_endpoint),
        revocation_endpoint: near(server.revocation_endpoint),
        jwks_uri: near(server.jwks_uri),
      }),
    }
  }

  /** Anybody may begin: the oldest that came to nothing goes. */
  #makeRoom(): void {
    for (const [id, { endsAtMs }] of this.#pending)
      if (this.#pending.size >= limits.signInsMax || endsAtMs < this.#now()) this.#pending.delete(id)
      else break
  }

  get #pendingName(): string {
    return this.isSecure ? `__Secure-${pendingCookie}` : pendingCookie
  }

  #cookie(id: string, seconds: number): string {
    const secure = this.isSecure ? '; Secure' : ''
    return `${this.#pendingName}=${id}; Path=${consoleClient.callbackPath}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`
  }
}

const clientMetadata: Client = { client_id: consoleClient.id, token_endpoint_auth_method: 'none' }

const tokensOf = (result: { access_token: string; refresh_token?: string; id_token?: string }) => ({
  accessToken: result.access_token,
  refreshToken: result.refresh_token,
  idToken: result.id_token,
})

const defined = <T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

/** A path of this page, and not the beginning of another site's address (`//evil`, `/\evil`). */
export const isOwnPath = (path: string): boolean => /^\/(?![/\\])[\x21-\x7e]{0,500}$/.test(path) && !path.includes('\\')
