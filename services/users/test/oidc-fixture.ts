/**
 * The OpenID provider on a real database behind a real port. In place of the gateway stands what it does to a request:
 * the client's `Authorization` goes on under the gateway's own header.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clientAuthorizationHeader, consoleClient } from '@svyaz/contracts/http/oidc.ts'
import * as client from 'openid-client'
import { Browser, type Page } from '../../../lab/observe/browser.ts'
import { startHttpServer } from '../../../platform/kit/src/http/server.ts'
import { createKeys } from '../../../platform/kit/test/key-fixture.ts'
import type { Settings } from '../src/config.ts'
import type { UsersContext } from '../src/context.ts'
import { registerClient } from '../src/oidc/clients.ts'
import { type OpenIdEdge, openIdEdge } from '../src/oidc/edge.ts'
import { password, startUsers, type TestUsers } from './users-fixture.ts'

export const back = 'http://127.0.0.1:8999/back'

export interface Flow {
  browser: Browser
  configuration: client.Configuration
  verifier: string
  state: string
  nonce: string
  /** Where the provider sent the browser in the end, with the code. */
  callback: URL
}

export interface TestOpenId extends AsyncDisposable {
  users: TestUsers
  context: UsersContext
  issuer: string
  /** A registered client as openid-client sees it. */
  configure(id: string, secret?: string): Promise<client.Configuration>
  /** Registers one that signs users in; a confidential one unless it is said. */
  newClient(options?: { confidential?: boolean; ownAccount?: boolean }): Promise<{ id: string; secret: string }>
  /** What a client and a browser do until the code is there. */
  signIn(
    configuration: client.Configuration,
    email: string,
    options?: { browser?: Browser; parameters?: Record<string, string>; redirectUri?: string },
  ): Promise<Flow>
  /** Another instance of the service, on the same database. */
  secondIssuer(): Promise<string>
}

/** As openid-client sends what it sends, but as if it came through the gateway. */
export const throughGateway: client.CustomFetch = (url, { headers, ...rest }) => {
  const all = new Headers(headers as Record<string, string>)
  const authorization = all.get('authorization')
  all.delete('authorization')
  if (authorization !== null) all.set(clientAuthorizationHeader, authorization)
  return fetch(url, { ...(rest as RequestInit), headers: all })
}

export const startOpenId = async (changed: Partial<Settings> = {}): Promise<TestOpenId> => {
  const closing = new AsyncDisposableStack()
  const users = closing.use(await startUsers(changed))
  const keys = await createKeys('users')
  const anonymous = { verify: async () => ({ kind: 'anonymous' }) as const }
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}/oidc`
  const environment = {
    SVYAZ_PUBLIC_URL: `http://127.0.0.1:${port}`,
    SVYAZ_CONSOLE_URL: 'http://127.0.0.1:8090',
    SVYAZ_KEY_FILE: keys.keyFile('users'),
  }
  const edges: OpenIdEdge[] = []
  const context: UsersContext = {
    ...users.context,
    environment,
    browsersForgotten: (userId) => edges[0]?.tellClients(userId),
  }
  const listen = async (at: number) => {
    const edge = openIdEdge(context)
    edges.push(edge)
    const server = await startHttpServer(users.core, {
      handlers: [],
      raw: [edge],
      verifier: anonymous,
      host: '127.0.0.1',
      port: at,
    })
    closing.use(server)
    return server.port
  }
  await listen(port)

  const configure: TestOpenId['configure'] = (id, secret) =>
    client.discovery(new URL(issuer), id, secret, secret === undefined ? client.None() : undefined, {
      execute: [client.allowInsecureRequests],
      [client.customFetch]: throughGateway,
    })
  return {
    users,
    context,
    issuer,
    configure,
    async newClient({ confidential = true, ownAccount = false } = {}) {
      const { id, secret = '' } = await registerClient(context, {
        name: 'A program <of> somebody’s',
        confidential,
        redirectUris: [back],
        signedOutUris: [back],
        ownAccount,
      })
      return { id, secret }
    },
    signIn,
    async secondIssuer() {
      return `http://127.0.0.1:${await listen(0)}/oidc`
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Through the pages that come, until the browser is back at the client. */
const signIn: TestOpenId['signIn'] = async (configuration, email, options = {}) => {
  const { browser = new Browser(), parameters = {} } = options
  const { client_id: clientId } = configuration.clientMetadata()
  const usual = clientId === consoleClient.id ? `http://127.0.0.1:8090${consoleClient.callbackPath}` : back
  const redirect = options.redirectUri ?? usual
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirect,
    scope: 'openid profile email roles',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  })
  let page: Page = await browser.follow(await browser.ask(url), redirect)
  if (page.text.includes('name="password"') && page.status === 200)
    page = await browser.follow(await browser.submit(page, { email, password, action: 'sign-in' }), redirect)
  if (page.text.includes('value="allow"'))
    page = await browser.follow(await browser.submit(page, { action: 'allow' }), redirect)
  return { browser, configuration, verifier, state, nonce, callback: page.url }
}

/** The tokens for the code of a flow, as a client that does all right asks for them. */
export const redeem = ({ configuration, callback, verifier, state, nonce }: Flow) =>
  client.authorizationCodeGrant(configuration, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  })

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
