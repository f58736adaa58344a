/** What of the contracts this gateway lets through with its routes: for its document, and for `Allow`. Pure. */
import { aggregatedRoutes } from '@svyaz/contracts/http/gateway.ts'
import { routes } from '@svyaz/contracts/index.ts'
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import type { Matcher } from './matcher.ts'

const aggregated: ReadonlySet<Route> = new Set(aggregatedRoutes)

/** Its own operations, what it puts together, and what leads to the service that answers it. */
export const publicRoutes = (match: Matcher): Route[] =>
  routes.filter((route) => {
    if (route.internal === true) return false
    if (route.service === 'gateway' && !aggregated.has(route)) return true
    const found = match(route.method, route.path.replaceAll(/\{\w+\}/g, 'x'))
    if (found.kind !== 'route') return false
    return aggregated.has(route) ? found.route.aggregate !== undefined : found.route.service === route.service
  })

/** Methods for `Allow` at a path (RFC 9110, 10.2.1), or undefined where no contract speaks of it: a service of others. */
export type MethodsAt = (path: string) => readonly string[] | undefined

/** A path that several templates fit (`/products/restock`, `/products/{id}`) is the one with the fewest parameters. */
export const compileMethods = (match: Matcher): MethodsAt => {
  const byPath = Map.groupBy(publicRoutes(match), (route) => route.path)
  const rows = [...byPath]
    .map(([path, list]) => ({
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      parameters: path.split('{').length,
      allowed: [...list.map(({ method }) => method), ...headOf(list), 'OPTIONS'],
    }))
    .sort((a, b) => a.parameters - b.parameters)
  return (path) => rows.find(({ pattern }) => pattern.test(path))?.allowed
}

/** GET brings HEAD, except where the gateway itself answers with a stream. */
const headOf = (list: readonly Route[]): string[] =>
  list.some(({ method, service }) => method === 'GET' && service !== 'gateway') ? ['HEAD'] : []
