/** Every operation that answers users, with a cache for each of them on its route: whose answer is it that one gets? */
import assert from 'node:assert/strict'
import { routes as contracts } from '@svyaz/contracts/index.ts'
import { defaultRoutes, type RouteInput, routeList } from '../src/routes.ts'
import { admin, alice, bearer, type GatewayOptions, startUpstream, type TestGateway } from './gateway-fixture.ts'

/** Every route that answers GET, with a cache for each user put on it. */
const personalRoutes = routeList.parse(defaultRoutes).map((route): RouteInput => {
  const reads = route.methods === undefined || route.methods.includes('GET')
  // What is put together, or depends on the client's own Authorization, can't be kept: the list would be refused.
  const keepable = route.aggregate === undefined && route.passesAuthorization === undefined
  if (!reads || !keepable || route.auth === 'none') return route
  return { ...route, cache: { seconds: 60, staleSeconds: 60, by: 'user' } }
})
const reads = contracts.filter(
  ({ method, service, internal, access }) =>
    method === 'GET' && internal !== true && service !== 'gateway' && access.user !== undefined,
)

/**
 * Asks every such operation, twice for each of four callers, each time through the next gateway.
 *
 * @param gateways what starts each of them
 * @returns how many questions reached a service
 */
export const personalAnswersStayPersonal = async (
  gateways: readonly ((options: GatewayOptions) => Promise<TestGateway>)[],
): Promise<number> => {
  assert.ok(reads.length > 8, `only ${reads.length} operations are judged`)
  await using opened = new AsyncDisposableStack()
  const services = [...new Set(reads.map(({ service }) => service))]
  const upstreams = await Promise.all(
    services.map(async (service) =>
      opened.use(
        await startUpstream(`${service}-1`, (request, response) => response.end(request.headers.authorization)),
      ),
    ),
  )
  const edges: TestGateway[] = []
  for (const start of gateways) {
    const edge = opened.use(
      await start({
        routes: personalRoutes,
        settings: { userRequestsPerMinute: 10_000 },
        instances: Object.fromEntries(services.map((service, at) => [service, [upstreams[at]!.instance]])),
      }),
    )
    edge.users.set('other-token', { ...alice, userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d50' })
    edge.users.set('raised-token', { ...alice, roles: ['user', 'admin'] })
    edges.push(edge)
  }
  let turn = 0
  for (const { id, path, service } of reads) {
    const target = path.replaceAll(/\{\w+\}/g, 'x')
    for (let round = 0; round < 2; round++)
      for (const [token, { userId, roles }] of callers(edges[0]!)) {
        const edge = edges[turn++ % edges.length]!
        const answer = await fetch(edge.base + target, { headers: bearer(token) })
        const text = await answer.text()
        if (answer.status === 403) continue
        assert.equal(answer.status, 200, `${id} for ${token}`)
        // Who asked the service is in the answer, signed by the gateway that asked.
        const caller = await Promise.any(edges.map(({ callerAt }) => callerAt(service, text)))
        assert.deepEqual(
          caller.kind === 'user' && { userId: caller.userId, roles: [...caller.roles] },
          { userId, roles: [...roles] },
          `${id} for ${token}`,
        )
      }
    // Otherwise the callers would meet the gateways in the same order each time.
    turn++
  }
  return upstreams.reduce((sum, { seen }) => sum + seen.length, 0)
}

const callers = (edge: TestGateway) => {
  assert.deepEqual([edge.users.get('alice-token'), edge.users.get('admin-token')], [alice, admin])
  return [...edge.users]
}
