/**
 * Signing in and being known at the gateway, on each identity provider: our own, and Keycloak with the realm of
 * deploy/keycloak in its place. One suite for both; skipped with a word where Keycloak isn't.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { Browser } from '@svyaz/observe/browser.ts'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import * as oauth from 'oauth4webapi'
import { type System, startSystem } from '../../system/src/testing.ts'
import { freePorts } from '../../system/test/engines/engine.ts'
import { startTestKeycloak, withoutKeycloak } from '../../system/test/engines/keycloak.ts'

interface Account {
  email: string
  password: string
}

/** What differs: how somebody gets an account, and how all of their sessions are ended where they signed in. */
interface Provider {
  system: System
  issuer: string
  newAccount(name: string): Promise<Account>
  endSessions(account: Account): Promise<void>
}

const password = 'correct horse battery'
const newEmail = () => `somebody.${randomUUID()}@example.com`

const startOwn = async (closing: AsyncDisposableStack): Promise<Provider> => {
  const system = closing.use(await startSystem({ only: ['console', 'gateway'], readyTimeoutMs: 180_000 }))
  const gateway = system.url('gateway')
  return {
    system,
    issuer: `${gateway}/oidc`,
    async newAccount(name) {
      const email = newEmail()
      const { status } = await ask('POST', `${gateway}/users`, { body: { email, password, name } })
      assert.equal(status, 201)
      return { email, password }
    },
    async endSessions(account) {
      const { body } = await ask('POST', `${gateway}/auth/login`, { body: account })
      const { refreshToken } = body as { refreshToken: string }
      await ask('POST', `${gateway}/auth/logout`, { body: { refreshToken, everywhere: true } })
    },
  }
}

const startWithKeycloak = async (closing: AsyncDisposableStack): Promise<Provider> => {
  // The console is asked to listen where the realm sends people back to.
  const [free = 0] = await freePorts(1)
  const ports = 3_000 + (free % 5_000)
  const keycloak = closing.use(await startTestKeycloak(`http://127.0.0.1:${8_090 + ports}`))
  const withoutUser = keycloak.address.replace(/\/\/[^@]*@/, '//')
  const system = closing.use(
    await startSystem({
      only: ['console', 'gateway'],
      ports,
      readyTimeoutMs: 180_000,
      env: { SVYAZ_IDENTITY_PROVIDER: keycloak.address, SVYAZ_CONSOLE_ISSUER: withoutUser },
    }),
  )
  const ids = new Map<string, string>()
  return {
    system,
    issuer: withoutUser,
    async newAccount(name) {
      const email = newEmail()
      ids.set(email, await keycloak.addUser({ name, email, password, roles: ['user'] }))
      return { email, password }
    },
    endSessions: ({ email }) => keycloak.signOut(ids.get(email) ?? ''),
  }
}

const insecure = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: consoleClient.id }

/** The page of the provider, filled in: ours asks for an e-mail, Keycloak for a name. */
const fill = async (browser: Browser, start: string, account: Account, back: string) => {
  const page = await browser.follow(await browser.ask(start), back)
  const fields = { email: account.email, username: account.email, password: account.password, action: 'sign-in' }
  return browser.follow(await browser.submit(page, fields), back)
}

/** An access token by the code flow of the console's client, which the console itself never lets out. */
const tokensOf = async ({ system, issuer }: Provider, account: Account) => {
  const discovered = await oauth.discoveryRequest(new URL(issuer), insecure)
  const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered)
  const back = `${system.url('console')}${consoleClient.callbackPath}`
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const url = new URL(server.authorization_endpoint!)
  url.search = new URLSearchParams({
    client_id: consoleClient.id,
    redirect_uri: back,
    response_type: 'code',
    scope: 'openid profile email',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const { url: callback } = await fill(new Browser(), url.href, account, back)
  const parameters = oauth.validateAuthResponse(server, client, callback, state)
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    back,
    verifier,
    insecure,
  )
  return oauth.processAuthorizationCodeResponse(server, client, answer)
}

for (const [name, start, reason] of [
  ['our own', startOwn, false],
  ['Keycloak', startWithKeycloak, withoutKeycloak()],
] as const)
  describe(`the identity provider: ${name}`, { skip: reason, concurrency: 1, timeout: 10 * 60_000 }, () => {
    const closing = new AsyncDisposableStack()
    let provider: Provider
    let gateway: string
    let admin: string
    before(async () => {
      provider = await start(closing)
      gateway = provider.system.url('gateway')
      const { body } = await ask('POST', `${gateway}/auth/login`, {
        body: { email: 'admin@svyaz.local', password: 'admin-svyaz' },
      })
      admin = (body as { accessToken: string }).accessToken
    })
    after(() => closing.disposeAsync())
    const me = (token: string) => ask('GET', `${gateway}/users/me`, { token })

    it('who signs in by code and PKCE is a user here, the same one each time', async () => {
      const account = await provider.newAccount('Ada Lovelace')
      const first = await me((await tokensOf(provider, account)).access_token)
      const second = await me((await tokensOf(provider, account)).access_token)
      assert.equal(first.status, 200, JSON.stringify(first.body))
      const { id, email, roles } = first.body as { id: string; email: string; roles: string[] }
      assert.deepEqual([email, roles], [account.email, ['user']])
      assert.equal((second.body as { id: string }).id, id)
    })

    it('the API takes no ID token, no refresh token, and nothing that was changed', async () => {
      const tokens = await tokensOf(provider, await provider.newAccount('Eve'))
      const { access_token: good } = tokens
      const bad = [tokens.id_token!, tokens.refresh_token!, `${good.slice(0, -2)}xx`, good.toUpperCase()]
      for (const token of bad) assert.equal((await me(token)).status, 401)
      assert.equal((await me(good)).status, 200)
    })

    it('a block shuts out at once, and lasts', async () => {
      const { access_token: token } = await tokensOf(provider, await provider.newAccount('Boris Blocked'))
      const { id } = (await me(token)).body as { id: string }
      assert.equal((await ask('POST', `${gateway}/users/${id}/block`, { token: admin })).status, 200)
      await until('the block to be heard', async () => (await me(token)).status === 401, { timeoutMs: 5_000 })
    })

    it('a session that was ended at the provider is over within half a minute', async () => {
      const account = await provider.newAccount('Lena Leaves')
      const { access_token: token } = await tokensOf(provider, account)
      assert.equal((await me(token)).status, 200)
      await provider.endSessions(account)
      await until('the token to be refused', async () => (await me(token)).status === 401, { timeoutMs: 40_000 })
    })

    it('the console signs in and out, and keeps the tokens', async () => {
      const account = await provider.newAccount('Olga Operator')
      const browser = new Browser()
      const page = provider.system.url('console')
      const back = `${page}${consoleClient.callbackPath}`
      const { url: callback } = await fill(browser, `${page}/api/sign-in?to=/logs`, account, back)
      const entered = await browser.ask(callback)
      assert.deepEqual([entered.status, entered.headers.get('location')], [303, '/logs'], entered.text)
      const { text } = await browser.ask(`${page}/api/session`)
      const session = JSON.parse(text) as { csrf: string; operator?: { email: string; roles: string[] } }
      assert.deepEqual([session.operator?.email, session.operator?.roles], [account.email, ['user']])
      assert.doesNotMatch(`${text}${entered.headers.get('set-cookie')}`, /token|eyJ/i)
    })
  })
