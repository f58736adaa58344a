/** R1.1: REST, as its document describes it. */

import { calledOverHttp } from '@svyaz/observe/traces.ts'
import { changeWindowMs, sendGoodRequests } from '../good-requests.ts'
import { completed } from '../journeys.ts'
import { faultsOf, proof } from '../proof.ts'
import { keepingSettings, untilApplied } from './as-before.ts'

interface Operation {
  readonly method: string
  readonly path: string
  readonly documented: readonly number[]
  /** Nonsense, and ids that nobody has: asked without a token, and as a user. */
  readonly answered: readonly number[]
  /** A request as it should be, by somebody who may; absent where no such request is known. */
  readonly good?: number
}

const nobody = '00000000-0000-4000-8000-000000000000'

/** A value for each parameter that a path may name. */
const inPath: Readonly<Record<string, string>> = { application: 'orders', profile: 'embedded' }
const pathOf = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => inPath[name] ?? (path.startsWith('/products') ? 'P-9999' : nobody))

export const rest = proof({
  // One of the requests changes a setting.
  disturbs: true,
  gather: async (outside) => {
    const page = await outside.gateway('GET', '/docs/')
    const { body: document } = await outside.gateway('GET', '/openapi.json')
    const user = await outside.person('Rest')
    const isApplied = () => untilApplied(outside, 'orders', (now) => now.changeWindowMs === changeWindowMs)
    const good = await keepingSettings(outside, 'orders', ['changeWindowMs'], () =>
      sendGoodRequests(outside, user, isApplied),
    )
    const operations: Operation[] = []
    const listed = Object.entries(document.paths as Record<string, Record<string, { responses: object }>>)
    for (const [path, methods] of listed) {
      for (const [name, { responses }] of Object.entries(methods)) {
        const method = name.toUpperCase()
        const body = method === 'GET' ? {} : { body: { nonsense: true } }
        const anonymous = await outside.look(method, pathOf(path), body)
        const signedIn = await outside.look(method, pathOf(path), { ...body, token: user.token })
        const answered = [anonymous.status, signedIn.status]
        outside.note(`curl -X ${method} …${pathOf(path)}`, `${answered[0]} without a token, ${answered[1]} with one`)
        const status = good.get(`${method} ${path}`)
        const documented = Object.keys(responses).map(Number)
        operations.push({ method, path, documented, answered, ...(status === undefined ? {} : { good: status }) })
      }
    }
    const { hops } = await completed(outside)
    return {
      page: { status: page.status, isSwagger: /swagger/i.test(String(page.body)) },
      operations,
      ordersAskedUsers: calledOverHttp(hops, 'orders', 'users', '/users/{id}'),
    }
  },
  judge: ({ page, operations, ordersAskedUsers }) => [
    ...faultsOf(
      [page.status === 200 && page.isSwagger, `/docs/ answers ${page.status} and is not a Swagger UI`],
      [ordersAskedUsers, 'no trace shows orders asking users over HTTP'],
    ),
    ...['GET /users/{id}', 'POST /users', 'POST /orders', 'GET /orders', 'GET /orders/{id}']
      .filter((name) => !operations.some(({ method, path }) => `${method} ${path}` === name))
      .map((name) => `${name} is not in /openapi.json`),
    ...operations.flatMap(operationFaults),
  ],
})

/** A documented 503 is still an outage: what the document lists says how to read an answer, not that it is a good one. */
function operationFaults({ method, path, documented, answered, good }: Operation): string[] {
  const name = `${method} ${path}`
  const succeeds = good !== undefined && good >= 200 && good < 300
  return [
    ...[...answered, ...(good === undefined ? [] : [good])]
      .filter((status) => !documented.includes(status))
      .map((status) => `${name} answers ${status}, which its document does not list`),
    ...answered.filter((status) => status >= 500).map((status) => `${name} answers ${status} to nonsense`),
    ...faultsOf(
      [good !== undefined, `${name} was asked no good request: good-requests.ts has none`],
      [good === undefined || succeeds, `${name} answers ${good} to a good request`],
    ),
  ]
}
