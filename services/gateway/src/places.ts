/** What is at the path of a request, known before it is judged: a page, an operation of the gateway's own, a route. */
import type { Rules } from './admission.ts'
import type { FindOwnOperation, OwnOperation } from './own-operations.ts'
import type { FindPage, Page } from './pages.ts'
import { type PublicMethod, publicMethodAt } from './public-methods.ts'
import type { GatewayRoute } from './routes.ts'

/** `label` is what metrics, spans and logs call it: never a raw path. */
export type Place = { label: string } & (
  | { kind: 'page'; page: Page }
  | { kind: 'own'; operation: OwnOperation; params: Record<string, string> }
  | { kind: 'grpc'; grpc: PublicMethod }
  | { kind: 'refused'; allowed: readonly string[] }
  | { kind: 'route'; route: GatewayRoute }
  | { kind: 'nothing' }
)
export const nowhere: Place = { kind: 'nothing', label: 'unmatched' }

export type FindPlace = (method: string, path: string, rules: Rules) => Place

/** Pages come first, then the gateway's own operations and gRPC methods, then the routes. */
export const createPlaces =
  (findPage: FindPage, findOwn: FindOwnOperation): FindPlace =>
  (method, path, { match, methodsAt }) => {
    const page = findPage(path)
    if (page !== undefined)
      return method === 'GET' || method === 'HEAD'
        ? { kind: 'page', label: path, page }
        : { kind: 'refused', label: path, allowed: ['GET', 'HEAD', 'OPTIONS'] }
    const own = findOwn(method, path)
    if (own !== undefined)
      return 'allowed' in own
        ? { kind: 'refused', label: own.path, allowed: own.allowed }
        : { kind: 'own', label: own.operation.route.path, ...own }
    const grpc = publicMethodAt(path)
    if (grpc !== undefined)
      return method === 'POST'
        ? { kind: 'grpc', label: path, grpc }
        : { kind: 'refused', label: path, allowed: ['POST', 'OPTIONS'] }
    const found = match(method, path)
    if (found.kind === 'nothing') return nowhere
    return found.kind === 'no-method'
      ? { kind: 'refused', label: 'unmatched', allowed: methodsAt(path) ?? found.allowed }
      : { kind: 'route', label: found.route.prefix, route: found.route }
  }
