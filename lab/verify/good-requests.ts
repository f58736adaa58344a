/** One good request for each operation of the OpenAPI document, in an order in which each finds what it needs. */
import type { Answer, Ask } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { Outside } from './outside.ts'

const application = 'orders'
/** Long enough to change and to cancel an order before it moves on. */
export const changeWindowMs = 4_000

interface Sent {
  readonly path: string
  readonly options?: Ask
}

/** What the requests before have made. */
interface Made {
  readonly user: Person
  readonly other: Person
  readonly admin: Person
  readonly email: string
  /** The last order placed, and one that has ended. */
  orderId: string
  endedId: string
  /** Of a session of `other` that may end, and the access token after a refresh of its first one. */
  spareRefreshToken: string
  renewedToken: string
  /** The OpenID client that was registered. */
  clientId: string
}

const items = [{ productId: 'P-1001', quantity: 1 }]
const by = ({ token }: Person, body?: unknown): Ask => (body === undefined ? { token } : { token, body })

/** `METHOD /path` as the document has it → the request. In this order: the change and the cancellation need a fresh order. */
export const goodRequests: Readonly<Record<string, (made: Made) => Sent>> = {
  'POST /users': ({ email }) => ({
    path: '/users',
    options: { body: { email, password: 'a password of some length', name: 'Good' } },
  }),
  'POST /auth/login': ({ other: { email, password } }) => ({
    path: '/auth/login',
    options: { body: { email, password } },
  }),
  'POST /auth/refresh': ({ other: { refreshToken } }) => ({
    path: '/auth/refresh',
    options: { body: { refreshToken } },
  }),
  'POST /auth/logout': ({ spareRefreshToken }) => ({
    path: '/auth/logout',
    options: { body: { refreshToken: spareRefreshToken } },
  }),
  'POST /users/me/password': ({ other: { password }, renewedToken }) => ({
    path: '/users/me/password',
    options: { token: renewedToken, body: { currentPassword: password, newPassword: 'quite another long sentence' } },
  }),
  'GET /users/{id}': ({ user }) => ({ path: `/users/${user.id}`, options: by(user) }),
  'POST /users/{id}/block': ({ admin, other }) => ({
    path: `/users/${other.id}/block`,
    options: by(admin, { reason: 'svyaz verify' }),
  }),
  'POST /users/{id}/unblock': ({ admin, other }) => ({ path: `/users/${other.id}/unblock`, options: by(admin) }),
  'PUT /users/{id}/roles': ({ admin, other }) => ({
    path: `/users/${other.id}/roles`,
    options: by(admin, { roles: ['user', 'support'] }),
  }),
  'POST /clients': ({ admin }) => ({
    path: '/clients',
    options: by(admin, { name: 'svyaz verify', redirectUris: ['http://127.0.0.1:8999/back'], ownAccount: true }),
  }),
  'GET /clients': ({ admin }) => ({ path: '/clients', options: by(admin) }),
  'DELETE /clients/{id}': ({ admin, clientId }) => ({ path: `/clients/${clientId}`, options: by(admin) }),
  'POST /signing-keys/withdraw': ({ admin }) => ({ path: '/signing-keys/withdraw', options: by(admin) }),
  'PUT /admin/{application}/{profile}': ({ admin }) => ({
    path: `/admin/${application}/embedded`,
    options: by(admin, { properties: { changeWindowMs }, comment: 'svyaz verify' }),
  }),
  'GET /admin/gateway/routes': ({ admin }) => ({ path: '/admin/gateway/routes', options: by(admin) }),
  'GET /admin/{application}/{profile}': ({ admin }) => ({
    path: `/admin/${application}/embedded`,
    options: by(admin),
  }),
  'GET /admin/{application}/{profile}/history': ({ admin }) => ({
    path: `/admin/${application}/embedded/history`,
    options: by(admin),
  }),
  'POST /orders': ({ user }) => ({ path: '/orders', options: by(user, { items }) }),
  'PATCH /orders/{id}': ({ user, orderId }) => ({
    path: `/orders/${orderId}`,
    options: by(user, { items: [{ productId: 'P-1001', quantity: 2 }] }),
  }),
  'POST /orders/{id}/cancel': ({ user, orderId }) => ({ path: `/orders/${orderId}/cancel`, options: by(user) }),
  'GET /orders': ({ user }) => ({ path: `/orders?userId=${user.id}`, options: by(user) }),
  'GET /orders/{id}': ({ user, orderId }) => ({ path: `/orders/${orderId}`, options: by(user) }),
  'GET /orders/sagas': ({ admin }) => ({ path: '/orders/sagas', options: by(admin) }),
  'GET /orders/{id}/story': ({ user, orderId }) => ({ path: `/orders/${orderId}/story`, options: by(user) }),
  'GET /orders/{id}/details': ({ user, orderId }) => ({ path: `/orders/${orderId}/details`, options: by(user) }),
  'GET /orders/details': ({ user }) => ({ path: `/orders/details?userId=${user.id}`, options: by(user) }),
  'GET /orders/{id}/follow': ({ user, endedId }) => ({ path: `/orders/${endedId}/follow`, options: by(user) }),
  'GET /products': () => ({ path: '/products' }),
  'GET /products/{id}': () => ({ path: '/products/P-1001' }),
  'POST /products/{id}/restock': ({ admin }) => ({
    path: '/products/P-1001/restock',
    options: by(admin, { quantity: 10 }),
  }),
  'POST /products/restock': ({ admin }) => ({
    path: '/products/restock',
    options: by(admin, { items: [{ productId: 'P-1001', quantity: 10 }] }),
  }),
  'GET /payments': ({ user, orderId }) => ({ path: `/payments?orderId=${orderId}`, options: by(user) }),
  'POST /graphql': ({ user, orderId }) => ({
    path: '/graphql',
    options: by(user, { query: 'query One($id: ID!) { order(id: $id) { id status } }', variables: { id: orderId } }),
  }),
  'GET /deliveries': ({ user, orderId }) => ({ path: `/deliveries?orderId=${orderId}`, options: by(user) }),
  'GET /notifications': ({ user }) => ({ path: '/notifications', options: by(user) }),
}

/**
 * Sends them through the gateway, each once.
 * @param applied resolves when the orders service has the setting that one of them makes
 * @returns status by operation
 */
export async function sendGoodRequests(
  outside: Outside,
  user: Person,
  applied: () => Promise<unknown>,
): Promise<Map<string, number>> {
  const other = await outside.person('Other')
  const admin = await outside.admin()
  const ended = await outside.order(user, { paymentMethod: 'pm_declined' })
  await outside.untilFinal(user, ended.id)
  const email = other.email.replace('other', 'good')
  const made: Made = {
    user,
    other,
    admin,
    email,
    orderId: ended.id,
    endedId: ended.id,
    spareRefreshToken: '',
    renewedToken: '',
    clientId: '',
  }
  const statuses = new Map<string, number>()
  for (const [operation, request] of Object.entries(goodRequests)) {
    const { path, options } = request(made)
    const answer: Answer = await outside.gateway(operation.split(' ')[0]!, path, options)
    statuses.set(operation, answer.status)
    if (operation === 'POST /orders' && answer.status === 201) made.orderId = String(answer.body.id)
    if (operation === 'POST /auth/login') made.spareRefreshToken = String(answer.body.refreshToken)
    if (operation === 'POST /auth/refresh') made.renewedToken = String(answer.body.accessToken)
    if (operation === 'POST /clients') made.clientId = String(answer.body.id)
    if (operation.startsWith('PUT /admin') && answer.status === 200) await applied()
  }
  return statuses
}
