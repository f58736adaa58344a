/** R3: identity at the edge. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calledOverHttp } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { withSettings } from './as-before.ts'

export const introspection = proof({
  gather: async (outside) => {
    const user = await outside.person('Token')
    const { token } = user
    const first = await outside.gateway('GET', '/users/me', { token })
    const hops = await outside.trace(first.headers['x-trace-id'] ?? '', (found) =>
      calledOverHttp(found, 'gateway', 'users', '/oauth2/introspect'),
    )
    const madeUp = await outside.gateway('GET', '/users/me', { token: `${token.slice(0, -4)}AAAA` })
    const none = await outside.gateway('GET', '/users/me')
    const admin = await outside.admin()
    await outside.gateway('POST', `/users/${user.id}/block`, { token: admin.token })
    const startedAt = performance.now()
    const after = await until('the blocked token to be refused', async () => {
      const { status } = await outside.look('GET', '/users/me', { token })
      return status === 401 && status
    })
    const refusedAfterMs = Math.round(performance.now() - startedAt)
    outside.note('GET /users/me with the token of the blocked user', `${after} after ${refusedAfterMs} ms`)
    return {
      first: first.status,
      introspected: calledOverHttp(hops, 'gateway', 'users', '/oauth2/introspect'),
      madeUp: madeUp.status,
      none: none.status,
      refusedAfterMs,
    }
  },
  judge: ({ first, introspected, madeUp, none, refusedAfterMs }) =>
    faultsOf(
      [first === 200, `a good token was answered ${first}`],
      [introspected, 'the trace shows no introspection'],
      [madeUp === 401, `a made-up token was answered ${madeUp}`],
      [none === 401, `no token was answered ${none}`],
      [refusedAfterMs < 5_000, `the token of a blocked user was good for ${refusedAfterMs} ms more`],
    ),
})

/** A service of our own that keeps what the gateway sends it. */
class Echo {
  readonly authorizations: string[] = []
  port = 0
  #server: Server | undefined

  /** On the same port again when it was stopped before. */
  readonly start = (): Promise<void> => {
    const server = createServer((request, response) => {
      this.authorizations.push(request.headers.authorization ?? '')
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"echo":true}')
    })
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', () => {
        this.port = (server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  readonly stop = (): Promise<void> =>
    new Promise((resolve) => {
      this.#server?.closeAllConnections()
      this.#server?.close(() => resolve())
    })
}

const echo = 'verify-echo'

/** Registers the echo with discovery, unsigned as any foreign service, and routes to it for as long as `act` takes. */
export async function withEchoRoute<T>(outside: Outside, route: object, act: (place: Echo) => Promise<T>): Promise<T> {
  const place = new Echo()
  await place.start()
  const base = await outside.url('discovery')
  const { settings } = await outside.info('gateway-1')
  const routes = settings.routes as { prefix: string }[]
  const mine = { prefix: `/${echo}`, service: echo, unsigned: true, ...route }
  try {
    await outside.ask('PUT', `${base}/v1/agent/service/register`, {
      body: { ID: `${echo}-1`, Name: echo, Address: '127.0.0.1', Port: place.port, Meta: { http: String(place.port) } },
    })
    // A gateway shows more of a route than is set.
    const hasIt = (found: Readonly<Record<string, unknown>>) => JSON.stringify(found.routes).includes(echo)
    return await withSettings(outside, 'gateway', { routes: [...routes, mine] }, () => act(place), hasIt)
  } finally {
    await outside.ask('PUT', `${base}/v1/agent/service/deregister/${echo}-1`)
    await place.stop()
  }
}

interface Claims {
  readonly aud?: string | readonly string[]
  readonly iat?: number
  readonly exp?: number
  readonly [name: string]: unknown
}

const read = (part: string): Claims => {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims
  } catch {
    return {}
  }
}

const written = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/**
 * Tokens that are good for the audience in all but their signature: claims and header are those of a real one.
 * @param jwt a good one, for another audience
 */
export function forgeries(jwt: string, audience: string): { how: string; token: string }[] {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const claims = written({ ...read(payload), aud: audience })
  const own = generateKeyPairSync('ed25519').privateKey
  const signedByUs = sign(null, Buffer.from(`${header}.${claims}`), own).toString('base64url')
  return [
    { how: 'the signature of another token', token: `${header}.${claims}.${signature}` },
    { how: 'the signature of a stranger', token: `${header}.${claims}.${signedByUs}` },
    { how: 'no signature', token: `${header}.${claims}.` },
    { how: 'the algorithm none', token: `${written({ ...read(header), alg: 'none' })}.${claims}.` },
  ]
}

export const exchange = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Exchange')
    const jwt = await withEchoRoute(outside, { auth: 'required' }, async ({ authorizations }) => {
      await until('the echo to be reached', async () => {
        const { status } = await outside.look('GET', `/${echo}`, { token: user.token })
        return status === 200
      })
      outside.note(`curl …/${echo} -H "authorization: Bearer $TOKEN"`, '200, and the service got a JWT')
      return (authorizations.at(-1) ?? '').replace(/^Bearer /, '')
    })
    const [header = '', payload = ''] = jwt.split('.')
    const claims = read(payload)
    outside.note('the JWT, decoded', JSON.stringify({ header: read(header), claims }))
    const orders = await outside.url('orders')
    const direct = async (token?: string) =>
      (await outside.ask('GET', `${orders}/orders?userId=${user.id}`, token === undefined ? {} : { token })).status
    return {
      userId: user.id,
      external: user.token === jwt,
      header: read(header) as Record<string, unknown>,
      claims,
      direct: { external: await direct(user.token), none: await direct(), foreign: await direct(jwt) },
      forged: await Promise.all(
        forgeries(jwt, 'orders').map(async ({ how, token }) => ({ how, status: await direct(token) })),
      ),
    }
  },
  judge: ({ userId, external, header, claims, direct, forged }) => {
    const seconds = (claims.exp ?? 0) - (claims.iat ?? 0)
    return faultsOf(
      [forged.length >= 3, `only ${forged.length} forgeries were tried`],
      ...forged.map(({ how, status }) => [status === 401, `orders took a token with ${how}: ${status}`] as const),
      [!external, 'the external token itself was passed on'],
      [/^(?:EdDSA|ES256|RS256)$/.test(String(header.alg)), `the JWT is signed with ${header.alg}`],
      [[claims.aud].flat().includes(echo), `its audience is ${claims.aud}`],
      [seconds > 0 && seconds <= 60, `it is good for ${seconds} s`],
      [JSON.stringify(claims).includes(userId), 'it does not name the user'],
      [/"roles":\[/.test(JSON.stringify(claims)), 'it carries no roles'],
      [direct.external === 401, `orders took the external token: ${direct.external}`],
      [direct.none === 401, `orders answered ${direct.none} without a token`],
      [direct.foreign === 401, `orders took a token for another audience: ${direct.foreign}`],
    )
  },
})
