/** Operations that the gateway answers itself (contracts/http/gateway.ts), most of them over gRPC. */
import { bulkRestock, followOrder, getRoutesInForce } from '@svyaz/contracts/http/gateway.ts'
import { isFinal } from '@svyaz/contracts/http/order-terms.ts'
import { type OrderView, order } from '@svyaz/contracts/http/orders.ts'
import { toDisplay } from '@svyaz/contracts/primitives.ts'
import { type BulkRestockRequest, InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { type OrderResponse, OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import type { BodyOf, ParamsOf, Role, Route } from '@svyaz/contracts/vocabulary.ts'
import { bodyTooLarge, Failure, readBody, readJson, validateRequest } from '@svyaz/kit'
import { sendJson } from './answers.ts'
import { gatewayLimits } from './config.ts'
import { type ServerEvent, sendEvents } from './event-stream.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { inForce, type RedisState } from './in-force.ts'
import type { SignedIn } from './introspection.ts'
import type { Sessions } from './sessions.ts'

export interface OwnOperation {
  route: Route
  /** Any of these; undefined: whoever is signed in. */
  roles: Role[] | undefined
  answer(exchange: Exchange, user: SignedIn, params: Record<string, string>): Promise<void>
}

export type FindOwnOperation = (
  method: string,
  path: string,
) =>
  | { operation: OwnOperation; params: Record<string, string> }
  | { path: string; allowed: readonly string[] }
  | undefined

/** Operations that the gateway answers itself: what turns HTTP into gRPC, and what it alone knows. */
export const createOwnOperations = (
  context: GatewayContext,
  follows: Sessions,
  /** Called with what was changed, before the caller knows of it. */
  changed: (prefix: string, path: string) => void,
  redis: () => RedisState,
): FindOwnOperation => {
  const operations: OwnOperation[] = [
    {
      ...accessOf(followOrder),
      async answer(exchange, user, params) {
        const { id } = (await checked(followOrder, exchange, params)).params as ParamsOf<typeof followOrder>
        const orders = context.grpc('orders').client(OrderServiceService)
        await sendEvents(exchange, user, follows, async function* (signal) {
          for await (const answer of orders.followOrder({ id }, { onBehalfOf: user, signal }))
            yield eventOf(viewOf(answer))
        })
      },
    },
    {
      ...accessOf(bulkRestock),
      async answer(exchange, user, params) {
        const { body, idempotencyKey } = await checked(bulkRestock, exchange, params)
        const { items } = body as BodyOf<typeof bulkRestock>
        // One admin's key is not another's.
        const batchId = `${user.userId}:${idempotencyKey ?? context.ids.uuid()}`
        const answer = await context
          .grpc('inventory')
          .client(InventoryServiceService)
          .bulkRestock(linesOf(batchId, items), {
            timeoutMs: gatewayLimits.restockTimeoutMs,
            signal: exchange.gone.signal,
          })
        const { lines, units, unknownProductIds } = answer
        for (const { productId } of items) changed('/products', `/products/${productId}`)
        sendJson(exchange, bulkRestock.status, { lines, units, unknown: unknownProductIds }, [
          'cache-control',
          'no-store',
        ])
      },
    },
    {
      ...accessOf(getRoutesInForce),
      async answer(exchange, _user, params) {
        await checked(getRoutesInForce, exchange, params)
        const { instance, settings } = context
        const answer = inForce({ instance, settings: settings.current(), origin: settings.origin(), redis: redis() })
        sendJson(exchange, getRoutesInForce.status, answer, ['cache-control', 'no-store'])
      },
    },
  ]
  return findIn(operations)
}

const eventOf = (view: OrderView): ServerEvent => ({
  event: 'order',
  id: String(view.version),
  data: view,
  last: isFinal(view.status),
})

const accessOf = (route: Route) => ({
  route,
  roles: Array.isArray(route.access.user) ? [...(route.access.user as readonly Role[])] : undefined,
})

/** The literal part before the first parameter is looked at first: nearly every request fails there. */
const findIn = (operations: readonly OwnOperation[]): FindOwnOperation => {
  const rows = operations.map((operation) => {
    const { path } = operation.route
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`)
    return { operation, names, pattern, start: path.split('{', 1)[0]!, end: path.slice(path.lastIndexOf('}') + 1) }
  })
  return (method, path) => {
    for (const { operation, names, pattern, start, end } of rows) {
      if (!path.startsWith(start) || !path.endsWith(end)) continue
      const found = pattern.exec(path)
      if (found === null) continue
      if (operation.route.method !== method)
        return { path: operation.route.path, allowed: [operation.route.method, 'OPTIONS'] }
      const params = Object.fromEntries(names.map((name, index) => [name, decoded(found[index + 1]!)]))
      return { operation, params }
    }
    return undefined
  }
}

/** What is not UTF-8 stays as it is, for the schema to refuse. */
const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const checked = async (route: Route, exchange: Exchange, params: Record<string, string>) => {
  const { request } = exchange
  const query = Object.fromEntries(new URLSearchParams(exchange.target.query))
  const body = route.body === undefined ? undefined : await jsonOf(exchange)
  return validateRequest(route, { params, query, body, headers: request.headers })
}

const jsonOf = async ({ request, response, expectsContinue }: Exchange): Promise<unknown> => {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Failure('unsupported_media_type', 'this operation takes application/json')
  if (Number(request.headers['content-length'] ?? 0) > gatewayLimits.bodyBytesMax)
    throw bodyTooLarge(gatewayLimits.bodyBytesMax)
  if (expectsContinue) response.writeContinue()
  return readJson(await readBody(request, gatewayLimits.bodyBytesMax))
}

async function* linesOf(
  batchId: string,
  items: readonly { productId: string; quantity: number }[],
): AsyncIterable<BulkRestockRequest> {
  for (const [index, item] of items.entries()) yield { batchId, lineNumber: index + 1, ...item }
}

/** The order as REST shows it, checked against the contract. */
const viewOf = (answer: OrderResponse): OrderView => {
  const { reason, total, items, ...rest } = answer
  const money = (value: OrderResponse['total']) => ({ amountMinor: value?.amountMinor, currency: value?.currency })
  const view = order.safeParse({
    ...rest,
    items: items.map(({ unitPrice, ...line }) => ({ ...line, unitPrice: money(unitPrice) })),
    total: money(total),
    totalPrice: toDisplay({ amountMinor: total?.amountMinor ?? 0, currency: 'EUR' }),
    ...(reason === '' ? {} : { reason }),
  })
  if (view.success) return view.data
  throw new Failure('bad_gateway', 'orders answered against its contract', { cause: view.error })
}
