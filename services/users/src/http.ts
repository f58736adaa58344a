import {
  listClients as listClientsRoute,
  registerClient as registerClientRoute,
  removeClient as removeClientRoute,
  withdrawSigningKeys,
} from '@svyaz/contracts/http/clients.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import {
  blockUser,
  changePassword as changePasswordRoute,
  getUser,
  introspectToken,
  login as loginRoute,
  logout as logoutRoute,
  refresh as refreshRoute,
  registerUser,
  setRoles as setRolesRoute,
  unblockUser,
} from '@svyaz/contracts/http/users.ts'
import { toDisplay } from '@svyaz/contracts/primitives.ts'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { type Caller, Failure, type HttpHandler, handle, isStaff, signedIn } from '@svyaz/kit'
import { register, setRoles, setStatus } from './accounts.ts'
import { limits } from './config.ts'
import type { UsersContext } from './context.ts'
import { changePassword, login } from './login.ts'
import { listClients, registerClient, removeClient } from './oidc/clients.ts'
import { withdrawKeys } from './oidc/keys.ts'
import { refuseWeakPassword } from './password-policy.ts'
import { logOut } from './sessions.ts'
import { userById, viewOf } from './storage.ts'
import { introspect, refresh } from './tokens.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: UsersContext): HttpHandler[] => [
  handle(registerUser, async ({ body, signal }) => {
    await refuseWeakPassword(body.password, body, '/password')
    const user = await register(context, body, signal)
    return { body: viewOf(user), headers: { location: `/users/${user.id}` } }
  }),
  handle(loginRoute, async ({ body, headers, signal }) => ({
    body: await login(context, { ...body, address: addressOf(headers) }, signal),
    headers: noStore,
  })),
  handle(refreshRoute, async ({ body }) => ({ body: await refresh(context, body.refreshToken), headers: noStore })),
  handle(logoutRoute, async ({ body }) => {
    await logOut(context, body)
    return {}
  }),
  handle(changePasswordRoute, async ({ body, caller, headers, signal }) => {
    const { userId } = signedIn(caller)
    await changePassword(context, { ...body, userId, address: addressOf(headers) }, signal)
    return {}
  }),
  handle(getUser, async ({ params, query, caller }) => {
    const id = readable(params.id, caller)
    const user = await userById(context.database, id)
    if (!user) throw new Failure('not_found', `there is no user ${id}`)
    const orders = query.include === 'orders' ? await ordersOf(context, id) : undefined
    return { body: { ...viewOf(user), ...(orders ? { orders } : {}) } }
  }),
  handle(blockUser, async ({ params, body, caller }) => {
    if (caller.kind === 'user' && caller.userId === params.id) {
      throw new Failure('conflict', 'you would lock yourself out')
    }
    return { body: viewOf(await setStatus(context, params.id, 'blocked', body?.reason)) }
  }),
  handle(unblockUser, async ({ params }) => ({ body: viewOf(await setStatus(context, params.id, 'active')) })),
  handle(setRolesRoute, async ({ params, body, caller }) => {
    const { userId: by } = signedIn(caller)
    return { body: viewOf(await setRoles(context, params.id, body.roles, by)) }
  }),
  handle(registerClientRoute, async ({ body }) => ({ body: await registerClient(context, body), headers: noStore })),
  handle(listClientsRoute, async () => ({ body: await listClients(context) })),
  handle(removeClientRoute, async ({ params }) => {
    await removeClient(context, params.id)
    return {}
  }),
  handle(withdrawSigningKeys, async () => {
    await withdrawKeys(context)
    return {}
  }),
  handle(introspectToken, async ({ body }) => ({ body: await introspect(context, body.token), headers: noStore })),
]

/** The client's address as the gateway saw it; it lets through none that a client claims. */
const addressOf = (headers: Readonly<Record<string, string | undefined>>): string =>
  headers['x-forwarded-for'] ?? 'unknown'

const noStore = { 'cache-control': 'no-store' }

/** The id that the caller may read: the own one, or anyone's for support, admin and services. Others don't exist. */
export const readable = (wanted: string, caller: Caller): string => {
  if (caller.kind === 'anonymous') throw new Failure('unauthenticated', 'sign in first')
  if (caller.kind === 'service') return wanted
  if (wanted === 'me' || wanted === caller.userId) return caller.userId
  if (isStaff(caller)) return wanted
  throw new Failure('not_found', `there is no user ${wanted}`)
}

/** What orders knows of the user, over gRPC; left out, and logged, when orders is away. */
const ordersOf = async (context: UsersContext, userId: string): Promise<OrderView[] | undefined> => {
  try {
    const details = await context
      .grpc('orders')
      .client(OrderServiceService)
      .getUserDetails(
        { userId, ordersMax: limits.ordersIncludedMax },
        { timeoutMs: limits.includeOrdersTimeoutMs, retry: true },
      )
    return details.orders.map(({ reason, total, items, ...order }) => {
      const money = { amountMinor: total?.amountMinor ?? 0, currency: 'EUR' as const }
      return {
        ...order,
        items: items.map(({ unitPrice, ...item }) => ({
          ...item,
          unitPrice: { amountMinor: unitPrice?.amountMinor ?? 0, currency: 'EUR' as const },
        })),
        total: money,
        totalPrice: toDisplay(money),
        ...(reason === '' ? {} : { reason }),
      } as OrderView
    })
  } catch (error) {
    context.log.warn({ userId, reason: String(error) }, 'orders is away: the user is answered without them')
    return undefined
  }
}
