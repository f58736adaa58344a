/** The gateway that is judged: one of a system started for it, or one that runs. */
import { randomUUID } from 'node:crypto'
import type { Tokens } from '../../contracts/http/users.ts'
import { startSystem } from '../../system/src/testing.ts'

export interface Gateway extends AsyncDisposable {
  readonly url: string
  /** The OpenAPI document as it serves it. */
  readonly document: string
  readonly tokens: { readonly user: string; readonly admin: string }
}

/** Everything that a client reaches through the gateway. */
const services = [
  'users',
  'orders',
  'inventory',
  'payments',
  'delivery',
  'notifications',
  'config',
  'gateway',
  'graphql',
]
/** Where services of the embedded topology look for their settings. */
const profile = 'embedded'
const localAdmin = { email: 'admin@svyaz.local', password: 'admin-svyaz' }
const askMsMax = 20_000

/** A system of its own, in a folder of its own, with limits that a judge doesn't meet. */
export async function startGateway(): Promise<Gateway> {
  const system = await startSystem({ only: services })
  try {
    // It starts behind the others, and nobody waits for it but us.
    await system.start('graphql')
    const url = system.url('gateway')
    const admin = await logIn(url, localAdmin.email, localAdmin.password)
    await raiseLimits(url, admin)
    const email = `judge-${randomUUID()}@example.com`
    const password = `judge-${randomUUID()}`
    await send(url, 'POST', '/users', { body: { email, password, name: 'Judge' } })
    const user = await logIn(url, email, password)
    return {
      url,
      document: await documentOf(url),
      tokens: { user, admin },
      [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
    }
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
}

/** @throws Error when a token is missing, or the gateway doesn't answer. */
export async function runningGateway(
  url: string,
  { user, admin }: { user: string | undefined; admin: string | undefined },
): Promise<Gateway> {
  if (user === undefined || admin === undefined)
    throw new Error('with --url, give --user-token and --admin-token too: the judge asks as both')
  const base = url.replace(/\/+$/, '')
  return {
    url: base,
    document: await documentOf(base),
    tokens: { user, admin },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const documentOf = async (url: string): Promise<string> => (await answerOf(url, 'GET', '/openapi.json', {})).text()

const logIn = async (url: string, email: string, password: string): Promise<string> =>
  (await send<Tokens>(url, 'POST', '/auth/login', { body: { email, password } })).accessToken

/** Thousands of requests a minute by one user would only show that 429 works. */
async function raiseLimits(url: string, token: string): Promise<void> {
  const path = `/admin/gateway/${profile}`
  const { propertySources } = await send<{ propertySources: { source: { routes?: object[] } }[] }>(url, 'GET', path, {
    token,
  })
  const routes = propertySources.find(({ source }) => source.routes !== undefined)?.source.routes
  await send(url, 'PUT', path, {
    token,
    body: {
      properties: {
        userRequestsPerMinute: 1_000_000,
        addressRequestsPerSecond: 100_000,
        ...(routes === undefined ? {} : { routes: routes.map((route) => ({ ...route, limit: generous })) }),
      },
    },
  })
}
const generous = { requests: 1_000_000, seconds: 60 }

interface Sent {
  readonly token?: string
  readonly body?: unknown
}

async function answerOf(url: string, method: string, path: string, { token, body }: Sent): Promise<Response> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(askMsMax),
  })
  if (!response.ok) throw new Error(`${method} ${url}${path}: ${response.status} ${await response.text()}`)
  return response
}

const send = async <T>(url: string, method: string, path: string, sent: Sent): Promise<T> =>
  (await (await answerOf(url, method, path, sent)).json()) as T
