/** The HTTP edge of orders. Another user's order does not exist for the caller (404). */
import { createHash } from 'node:crypto'
import { listSagas, sagasCountedMax } from '@svyaz/contracts/http/order-sagas.ts'
import { orderStatuses } from '@svyaz/contracts/http/order-terms.ts'
import {
  cancelOrder,
  changeOrder,
  createOrder,
  getOrder,
  getOrderStory,
  listOrders,
} from '@svyaz/contracts/http/orders.ts'
import { getUser } from '@svyaz/contracts/http/users.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { type Caller, type Context, Failure, type HttpHandler, handle, isStaff, signedIn } from '@svyaz/kit'
import type { z } from 'zod'
import type { Admission } from './admission.ts'
import type { Settings } from './config.ts'
import { type Order, type OrderLine, sagaOf, storyOf, viewOf } from './domain.ts'
import type { Orders } from './orders.ts'
import { allowed } from './saga.ts'
import { statusesOf } from './storage.ts'

/** No database: what is stored is asked of `orders`. */
type EdgeContext = Omit<Context<Settings>, 'database'>

/** The HTTP operations of this service. */
export const httpEdge = (context: EdgeContext, orders: Orders, admission: Pick<Admission, 'letIn'>): HttpHandler[] => [
  handle(createOrder, async ({ body, caller, idempotencyKey }) => {
    const user = signedIn(caller)
    const userId = body.userId ?? user.userId
    if (userId !== user.userId && !user.roles.includes('admin')) {
      throw new Failure('forbidden', 'only an admin may order for another user')
    }
    if (!isId(userId)) throw unknownUser(userId)
    const idempotency = {
      key: idempotencyKey ?? context.ids.uuid(),
      bodyHash: createHash('sha256').update(JSON.stringify(body)).digest('hex'),
    }
    const placing = { body, userId, callerId: user.userId, idempotency }
    const { stored, fresh } = await place(context, orders, admission, placing).catch(async (refusal: unknown) => {
      // What was accepted once stays accepted, whatever speaks against a new order now.
      const known = idempotencyKey === undefined ? undefined : await orders.store.byKey(userId, idempotencyKey)
      if (!known) throw refusal
      return { stored: known, fresh: false }
    })
    if (!fresh) return replay(stored, idempotency.bodyHash)
    context.crashPoint('orders.after-create')
    // Rule 7: read again now that the order is committed, so no order escapes between the check and the insert.
    if (await orders.store.isBlocked(userId)) await orders.apply(stored.order.id, undefined, { type: 'user.blocked' })
    return {
      body: stored.created,
      etag: String(stored.created.version),
      headers: { location: `/orders/${stored.order.id}` },
    }
  }),

  handle(listOrders, async ({ query, caller }) => {
    const user = signedIn(caller)
    mayList(user, query.userId)
    const found = await orders.store.list(query.userId, {
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { beforeId: query.cursor }),
    })
    const page = found.slice(0, query.limit)
    const last = page.at(-1)
    return { body: page.map(viewOf), ...(found.length > page.length && last ? { nextCursor: last.id } : {}) }
  }),

  handle(getOrder, async ({ params, caller }) => {
    const order = await owned(orders, params.id, caller)
    return { body: viewOf(order), etag: String(order.version) }
  }),

  handle(changeOrder, async ({ params, body, caller, ifMatch }) => {
    await owned(orders, params.id, caller)
    mustNameEachOnce(body.items)
    const items = await priced(context, body.items)
    const order = await orders.apply(
      params.id,
      undefined,
      { type: 'change', items, reserveAt: reserveAt(context) },
      (current) => {
        mustMatch(current, ifMatch)
        if (!allowed.change.has(current.status)) {
          throw new Failure('order_not_changeable', `the order is ${current.status}; only a pending one can be changed`)
        }
      },
    )
    return { body: viewOf(order!), etag: String(order!.version) }
  }),

  handle(cancelOrder, async ({ params, caller, ifMatch }) => {
    await owned(orders, params.id, caller)
    const order = await orders.apply(
      params.id,
      undefined,
      { type: 'cancel', reason: 'cancelled_by_user', by: 'user' },
      (current) => {
        mustMatch(current, ifMatch)
        if (!allowed.cancel.has(current.status)) {
          throw new Failure('order_not_cancellable', `the order is ${current.status} and can't be cancelled any more`)
        }
      },
    )
    return { body: viewOf(order!), etag: String(order!.version) }
  }),

  handle(getOrderStory, async ({ params, caller }) => {
    const order = await owned(orders, params.id, caller)
    return { body: storyOf(order, await orders.store.told(order.id)) }
  }),

  handle(listSagas, async ({ query: { status, sort, limit, cursor, olderThanSeconds } }) => {
    const [found, totals] = await Promise.all([
      orders.store.sagas({
        statuses: statusesOf(status),
        sort,
        limit: limit + 1,
        ...(cursor === undefined ? {} : { beyondId: cursor }),
        ...(olderThanSeconds === undefined ? {} : { madeBeforeMs: context.clock.now() - olderThanSeconds * 1_000 }),
      }),
      orders.store.sagaTotals(sagasCountedMax),
    ])
    const page = found.slice(0, limit)
    const last = page.at(-1)
    return {
      body: {
        totals: orderStatuses.map((each) => ({ status: each, count: totals.get(each) ?? 0 })),
        sagas: page.map(sagaOf),
      },
      ...(found.length > page.length && last ? { nextCursor: last.id } : {}),
    }
  }),
]

type Idempotency = Parameters<Orders['create']>[1]

/** Places an order if it may be; `fresh` is false when its key was there already. @throws Failure when it may not be */
const place = async (
  context: EdgeContext,
  orders: Orders,
  admission: Pick<Admission, 'letIn'>,
  placing: { body: z.output<typeof createOrder.body>; userId: string; callerId: string; idempotency: Idempotency },
): ReturnType<Orders['create']> => {
  const { body, userId, callerId, idempotency } = placing
  mustNameEachOnce(body.items)
  const { ordersUnderWayMax, changeWindowMs } = context.settings.current()
  using _place = await admission.letIn({ max: ordersUnderWayMax, changeWindowMs })
  const [items] = await Promise.all([priced(context, body.items), mustBeActive(context, orders, userId, callerId)])
  const { payment, paymentMethod, deliveryMethod } = body
  return await orders.create(
    {
      id: context.ids.uuid(),
      userId,
      items,
      payment,
      paymentMethod,
      deliveryMethod,
      reserveAt: reserveAt(context),
    },
    idempotency,
  )
}

/** Whether an order is there for this caller: the own ones, all of them for support and admin. */
export const mayRead = (caller: Caller, order: Order): boolean =>
  caller.kind === 'user' && (order.userId === caller.userId || isStaff(caller))

/** What is not there, or not the caller's. @throws Failure `not_found` */
export const noSuchOrder = (orderId: string): never => {
  throw new Failure('not_found', `there is no order ${orderId}`)
}

/** Whose orders a caller may list: their own, anyone's for support and admin. @throws Failure `forbidden` */
export const mayList = (caller: Caller, userId: string): void => {
  const user = signedIn(caller)
  if (userId !== user.userId && !isStaff(user)) throw new Failure('forbidden', 'these are the orders of another user')
}

const owned = async (orders: Orders, orderId: string, caller: Caller): Promise<Order> => {
  const user = signedIn(caller)
  const order = await orders.store.get(orderId)
  return order !== undefined && mayRead(user, order) ? order : noSuchOrder(orderId)
}

const mustMatch = (order: Order, ifMatch: readonly string[] | undefined): void => {
  if (ifMatch !== undefined && !ifMatch.includes(String(order.version))) {
    throw new Failure('version_mismatch', `the order is at version ${order.version}, which If-Match doesn't name`)
  }
}

const mustNameEachOnce = (items: readonly { productId: string }[]): void => {
  const faults = items.flatMap(({ productId }, index) =>
    items.findIndex((item) => item.productId === productId) < index
      ? [
          {
            in: 'body' as const,
            pointer: `/items/${index}/productId`,
            detail: `${productId} is in a line above already`,
          },
        ]
      : [],
  )
  if (faults.length > 0) throw new Failure('duplicate_line', 'a product is in more than one line', { faults })
}

const reserveAt = (context: EdgeContext): string =>
  new Date(context.clock.now() + context.settings.current().changeWindowMs).toISOString()

const replay = (
  stored: { created: Parameters<typeof viewOf>[0] | unknown; bodyHash: string; order: Order },
  bodyHash: string,
) => {
  if (stored.bodyHash !== bodyHash) {
    throw new Failure('idempotency_key_reused', 'this Idempotency-Key was used with another body')
  }
  const created = stored.created as ReturnType<typeof viewOf>
  return {
    body: created,
    etag: String(created.version),
    headers: { location: `/orders/${stored.order.id}`, 'idempotency-replayed': 'true' },
  }
}

/** Names and prices from inventory, over gRPC; refused at once when it can't be fulfilled now. */
const priced = async (
  context: EdgeContext,
  items: readonly { productId: string; quantity: number }[],
): Promise<OrderLine[]> => {
  const { lines } = await context
    .grpc('inventory')
    .client(InventoryServiceService)
    .checkAvailability({ lines: [...items] }, { retry: true })
  const fault = (index: number, detail: string) => ({
    in: 'body' as const,
    pointer: `/items/${index}/productId`,
    detail,
  })
  const unknown = lines.flatMap((line, index) =>
    line.known ? [] : [fault(index, `${line.productId} is not in the catalogue`)],
  )
  if (unknown.length > 0) throw new Failure('unknown_product', unknown[0]!.detail, { faults: unknown })
  const short = lines.flatMap((line, index) =>
    line.available < line.requested ? [fault(index, `${line.requested} wanted, ${line.available} there`)] : [],
  )
  if (short.length > 0) throw new Failure('out_of_stock', short[0]!.detail, { faults: short })
  return lines.map((line) => ({
    productId: line.productId,
    quantity: line.requested,
    name: line.name,
    unitPrice: { amountMinor: line.unitPrice?.amountMinor ?? 0, currency: 'EUR' },
  }))
}

const unknownUser = (userId: string) =>
  new Failure('unknown_user', `there is no user ${userId}`, {
    faults: [{ in: 'body', pointer: '/userId', detail: 'nobody has this id' }],
  })

/**
 * Asks users over HTTP. When users is away, the caller's own order goes by what users last said in its events: the
 * token was checked at the edge, and a blocked user is in our own projection (rule 7).
 */
const mustBeActive = async (context: EdgeContext, orders: Orders, userId: string, callerId: string): Promise<void> => {
  const refuse = () => new Failure('user_blocked', 'this user is blocked and may not order')
  try {
    const { body } = await context.http('users').call(getUser, { params: { id: userId } }, { timeoutMs: 1_500 })
    if (body.status === 'blocked') throw refuse()
  } catch (error) {
    const failure = error as Failure
    if (failure.code === 'not_found') {
      throw unknownUser(userId)
    }
    if (failure.code !== 'unavailable' && failure.code !== 'deadline_exceeded') throw error
    if (userId !== callerId) throw error
    if (await orders.store.isBlocked(userId)) throw refuse()
    context.log.warn({ userId, reason: failure.detail }, 'users is away: the order goes by the last known standing')
  }
}
