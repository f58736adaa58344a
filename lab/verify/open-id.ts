/** A program that signs a user in by OpenID Connect, through the gateway, as a certified client library does it; and what a thief would try. */

import { Browser } from '@svyaz/observe/browser.ts'
import type { Person } from '@svyaz/observe/person.ts'
import * as client from 'openid-client'
import { commandLine } from './command-line.ts'
import type { Outside } from './outside.ts'

/** Where the program would listen: nobody does, the browser stops before it asks. */
const back = 'http://127.0.0.1:1/back'

export interface OpenIdEvidence {
  /** The ID token, whose signature was checked by the published keys, names the user. */
  readonly subject: boolean
  /** What the access token opens, at the gateway: a status. */
  readonly opened: number
  readonly introspected: boolean
  readonly refreshed: boolean
  /** What is answered to each thing that must not work: the error code of OAuth, or what went through. */
  readonly refused: {
    readonly wrongVerifier: string
    readonly repeatedCode: string
    readonly withoutPkce: string
    readonly foreignRedirect: string
    readonly revokedRefresh: string
    readonly foreignIntrospection: string
  }
  /** The status that a revoked access token gets at the gateway. */
  readonly revoked: number
}

/** Registers two programs, signs the user in by one, and tries what must not work. */
export async function signInByOpenId(outside: Outside, admin: Person, user: Person): Promise<OpenIdEvidence> {
  const program = new Program(outside, user)
  await program.register(admin)
  const tokens = await program.redeem(await program.code())
  const opened = await outside.gateway('GET', '/users/me', { token: tokens.access_token })
  const { active } = await client.tokenIntrospection(program.configuration, tokens.access_token)
  const foreign = await Program.registered(outside, user, admin)
  const stranger = await client.tokenIntrospection(foreign.configuration, tokens.access_token)
  const renewed = await client.refreshTokenGrant(program.configuration, tokens.refresh_token ?? '')

  const stolen = await program.code()
  const wrongVerifier = await errorOf(program.redeem({ ...stolen, verifier: client.randomPKCECodeVerifier() }))
  const used = await program.code()
  await program.redeem(used)
  const repeatedCode = await errorOf(program.redeem(used))

  const last = await program.redeem(await program.code())
  await client.tokenRevocation(program.configuration, last.refresh_token ?? '')
  const revokedRefresh = await errorOf(client.refreshTokenGrant(program.configuration, last.refresh_token ?? ''))
  const revoked = await outside.gateway('GET', '/users/me', { token: last.access_token })
  return {
    subject: tokens.claims()?.sub === user.id,
    opened: opened.status,
    introspected: active,
    refreshed: renewed.access_token !== tokens.access_token && renewed.refresh_token !== tokens.refresh_token,
    refused: {
      wrongVerifier,
      repeatedCode,
      withoutPkce: await program.refusalOf({ code_challenge: '', code_challenge_method: '' }),
      foreignRedirect: await program.refusalOf({ redirect_uri: 'http://127.0.0.1:2/elsewhere' }),
      revokedRefresh,
      foreignIntrospection: stranger.active ? 'active' : 'inactive',
    },
    revoked: revoked.status,
  }
}

interface Code {
  readonly url: URL
  readonly verifier: string
  readonly state: string
  readonly nonce: string
}

/** A registered program with one user in front of it. */
class Program {
  readonly #outside: Outside
  readonly #user: Person
  readonly #browser = new Browser()
  #configuration: client.Configuration | undefined

  constructor(outside: Outside, user: Person) {
    this.#outside = outside
    this.#user = user
  }

  static async registered(outside: Outside, user: Person, admin: Person): Promise<Program> {
    const program = new Program(outside, user)
    await program.register(admin)
    return program
  }

  get configuration(): client.Configuration {
    if (this.#configuration === undefined) throw new Error('the program is registered first')
    return this.#configuration
  }

  async register(admin: Person): Promise<void> {
    const registered = await this.#outside.gateway('POST', '/clients', {
      token: admin.token,
      body: { name: 'svyaz verify', redirectUris: [back] },
    })
    const { id, secret } = registered.body as { id: string; secret: string }
    const document = await this.#outside.gateway('GET', '/oidc/.well-known/openid-configuration')
    this.#configuration = await client.discovery(new URL(document.body.issuer as string), id, secret, undefined, {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      [client.customFetch]: (url, options) => this.#ask(url, options),
    })
  }

  /** Signs the user in and agrees, as far as that is asked for. */
  async code(): Promise<Code> {
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
    let page = await this.#open({
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      state,
      nonce,
    })
    const { email, password } = this.#user
    if (page.text.includes('name="password"') && page.status === 200)
      page = await this.#browser.follow(await this.#browser.submit(page, { email, password, action: 'sign-in' }), back)
    if (page.text.includes('value="allow"'))
      page = await this.#browser.follow(await this.#browser.submit(page, { action: 'allow' }), back)
    return { url: page.url, verifier, state, nonce }
  }

  redeem({ url, verifier, state, nonce }: Code) {
    return client.authorizationCodeGrant(this.configuration, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    })
  }

  /** How a request to sign in with these parameters is refused: an error at the program's address, or a page there. */
  async refusalOf(parameters: Record<string, string>): Promise<string> {
    const page = await this.#open({ state: 'state', ...parameters })
    const error = page.url.searchParams.get('error')
    return page.url.href.startsWith(back) ? (error ?? 'code') : `page ${page.status}`
  }

  async #open(parameters: Record<string, string>) {
    const url = client.buildAuthorizationUrl(this.configuration, {
      redirect_uri: back,
      scope: 'openid profile email roles offline_access',
      code_challenge_method: 'S256',
      prompt: 'consent',
      ...parameters,
    })
    for (const [name, value] of Object.entries(parameters)) if (value === '') url.searchParams.delete(name)
    const page = await this.#browser.follow(await this.#browser.ask(url), back)
    this.#outside.note(
      commandLine('GET', `${url.origin}${url.pathname}?…`),
      `${page.status}, then ${page.url.pathname}`,
    )
    return page
  }

  async #ask(url: string, options: client.CustomFetchOptions): Promise<Response> {
    const answer = await fetch(url, options as RequestInit)
    this.#outside.note(commandLine(options.method, url), String(answer.status))
    return answer
  }
}

/** The error code of OAuth that something ended with; `none` when it went through. */
async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    return (error as { error?: string }).error ?? String(error)
  }
}
