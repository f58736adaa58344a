/**
 * Which query parameters a request may carry. Consul ignores what it doesn't know; here that would be silence about
 * something that doesn't happen (a filter that filters nothing), so it is an error.
 */
import { Refusal } from './refusal.ts'
import type { Route } from './routes.ts'

/** On one node every consistency mode is the same; `token` belongs to ACLs, which are not offered, and is never read. */
const everywhere = ['dc', 'stale', 'consistent', 'cached', 'max_stale', 'token', 'pretty']
const blocking = ['index', 'wait']

/** All that this endpoint takes, its own ones first. */
export const parametersOf = (route: Pick<Route, 'kind' | 'query'>): readonly string[] => [
  ...route.query,
  ...(route.kind === 'watch' ? blocking : []),
  ...everywhere,
]

/** @throws Refusal 400 that names the parameter and those that there are */
export function refuseUnknown(query: URLSearchParams, route: Pick<Route, 'kind' | 'query'>): void {
  const known = parametersOf(route)
  for (const name of query.keys())
    if (!known.includes(name))
      throw new Refusal(
        400,
        `Unsupported query parameter: ?${name.slice(0, 64)}; this endpoint takes ${known.join(', ')}`,
      )
}
