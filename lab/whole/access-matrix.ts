/**
 * Every operation and gRPC method of the contracts × {anonymous, user, other user, support, admin}, through the gateway (services: access-services.ts): what comes back follows from its `access`.
 * A route that is added to the contracts is in this matrix by itself.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { clientsRoutes } from '@svyaz/contracts/http/clients.ts'
import { configRoutes } from '@svyaz/contracts/http/config.ts'
import { deliveryRoutes } from '@svyaz/contracts/http/delivery.ts'
import { gatewayRoutes } from '@svyaz/contracts/http/gateway.ts'
import { graphqlRoutes } from '@svyaz/contracts/http/graphql.ts'
import { inventoryRoutes } from '@svyaz/contracts/http/inventory.ts'
import { notificationsRoutes } from '@svyaz/contracts/http/notifications.ts'
import { ordersRoutes } from '@svyaz/contracts/http/orders.ts'
import { paymentsRoutes } from '@svyaz/contracts/http/payments.ts'
import { usersRoutes } from '@svyaz/contracts/http/users.ts'
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { PaymentServiceService } from '@svyaz/contracts/proto/generated/payments.ts'
import { UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import { type Answer, ask } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { callByGrpcWeb } from './grpc-web.ts'
import { assertProblem } from './problems.ts'
import { sampleRequest } from './sample.ts'
import type { World } from './world.ts'

/** Every operation of the contracts. */
export const everyRoute: readonly Route[] = [
  ...usersRoutes,
  ...clientsRoutes,
  ...ordersRoutes,
  ...inventoryRoutes,
  ...paymentsRoutes,
  ...deliveryRoutes,
  ...notificationsRoutes,
  ...configRoutes,
  ...gatewayRoutes,
  ...graphqlRoutes,
]

const callers = ['anonymous', 'user', 'other user', 'support', 'admin'] as const
type CallerName = (typeof callers)[number]
type Verdict = 'unauthenticated' | 'forbidden' | 'hidden' | 'allowed'

const admits = (route: Route, role: 'user' | 'support' | 'admin'): boolean =>
  route.access.anonymous === true ||
  route.access.user === true ||
  (Array.isArray(route.access.user) && route.access.user.includes(role))

/** Whose thing a request names: an order or a user by path, an owner by query. */
const namesAnOwner = (route: Route): boolean =>
  /^\/(orders|users)\/\{id\}/.test(route.path) || /"(userId|orderId)"/.test(JSON.stringify(fieldsOf(route)))
const fieldsOf = (route: Route): string[] => Object.keys((route.query as { shape?: object } | undefined)?.shape ?? {})

const verdictOf = (route: Route, caller: CallerName): Verdict => {
  if (caller === 'anonymous') return route.access.anonymous ? 'allowed' : 'unauthenticated'
  const role = caller === 'admin' || caller === 'support' ? caller : 'user'
  if (!admits(route, role)) return 'forbidden'
  return caller === 'other user' && namesAnOwner(route) ? 'hidden' : 'allowed'
}

const assertVerdict = (verdict: Verdict, answer: Answer, about: string): void => {
  const seen = `${about}: ${answer.status} ${JSON.stringify(answer.body)}`
  const code = (answer.body as { code?: string } | undefined)?.code
  switch (verdict) {
    case 'unauthenticated':
    case 'forbidden':
      assertProblem(answer, verdict, about)
      return
    case 'hidden':
      // What belongs to somebody else is not there: 404 by path, 403 for a named owner, or an empty list.
      if (answer.status === 200) assert.deepEqual(answer.body, [], seen)
      else assert.ok(code === 'not_found' || code === 'forbidden', seen)
      return
    case 'allowed':
      assert.ok(answer.status < 500 && answer.status !== 405 && answer.status !== 429, seen)
      assert.ok(code !== 'unauthenticated' && code !== 'forbidden', seen)
  }
}

const grpcPaths = [
  OrderServiceService,
  InventoryServiceService,
  PaymentServiceService,
  DeliveryServiceService,
  UserServiceService,
].flatMap((service) => Object.values(service).map(({ path }): string => path))

/** What is asked of the methods that users may call. */
const publicRequests: Readonly<Record<string, (orderId: string, productId: string) => Uint8Array>> = {
  [OrderServiceService.getOrder.path]: (id) => OrderServiceService.getOrder.requestSerialize({ id }),
  [OrderServiceService.followOrder.path]: (id) => OrderServiceService.followOrder.requestSerialize({ id }),
  [InventoryServiceService.checkAvailability.path]: (_, productId) =>
    InventoryServiceService.checkAvailability.requestSerialize({ lines: [{ productId, quantity: 1 }] }),
}

/** The gRPC status; what is between services isn't there for anybody, by a status of HTTP. */
const grpcVerdict = (path: string, caller: CallerName): number => {
  if (publicRequests[path] === undefined) return -404
  if (caller === 'anonymous') return 16
  return caller === 'other user' && path.includes('OrderService') ? 5 : 0
}

/** Asks every operation as every kind of caller and compares the answer with its `access`. */
export const accessScenarios = (world: () => World): void => {
  describe('who may do what', { concurrency: 1 }, () => {
    let owner: Promise<Person> | undefined
    let stranger: Promise<Person> | undefined
    let support: Promise<Person> | undefined
    let order: Promise<string> | undefined
    const withSupport = async (person: Person): Promise<Person> => {
      const body = { roles: ['user', 'support'] }
      const path = `${world().gateway}/users/${person.id}/roles`
      assert.equal((await ask('PUT', path, { token: world().admin.token, body })).status, 200)
      return person
    }
    const cast = async () => {
      owner ??= world().register('Olga Owner')
      stranger ??= world().register('Steve Stranger')
      support ??= world().register('Sue Support').then(withSupport)
      const user = await owner
      order ??= user
        .order({ items: [{ productId: world().product(), quantity: 1 }] })
        .then(async (placed) => (await user.untilStatus(placed.id, 'completed')).id)
      return { user, 'other user': await stranger, support: await support, admin: world().admin, order: await order }
    }

    for (const route of everyRoute.filter((candidate) => !candidate.internal)) {
      it(`${route.method} ${route.path}`, async () => {
        const people = await cast()
        const ofUsers = route.path.startsWith('/users/')
        // What only some roles may do is asked about nobody: nothing shall happen to the owner here.
        const id = Array.isArray(route.access.user) ? randomUUID() : ofUsers ? people.user.id : people.order
        const known = {
          ...(/^\/(orders|users)/.test(route.path) ? { id } : {}),
          orderId: people.order,
          userId: people.user.id,
          application: 'orders',
          profile: 'embedded',
        }
        const { path, body } = sampleRequest(route, known)
        for (const caller of callers) {
          // A fifth wrong password from one place would have to wait.
          if (caller === 'support' && route.id === 'login') continue
          const token = caller === 'anonymous' ? undefined : people[caller].token
          const answer = await ask(route.method, `${world().gateway}${path}`, { token, body })
          assertVerdict(verdictOf(route, caller), answer, `${caller} ${route.method} ${path}`)
          if (route.id === 'createOrder' && answer.status === 201)
            world().attempts.push({ userId: answer.body.userId, key: '', orderId: answer.body.id })
        }
      })
    }

    for (const path of grpcPaths) {
      const method = path.slice(1)
      it(`gRPC ${method}`, async () => {
        const people = await cast()
        const message = publicRequests[path]?.(people.order, world().product()) ?? new Uint8Array()
        for (const caller of callers) {
          const token = caller === 'anonymous' ? undefined : people[caller].token
          const status = await callByGrpcWeb(world().gateway, method, message, token)
          assert.equal(status, grpcVerdict(path, caller), `${caller} ${method}`)
        }
      })
    }

    it('operations between services are not to be had at the gateway', async () => {
      const people = await cast()
      for (const route of everyRoute.filter((candidate) => candidate.internal)) {
        const { path, body } = sampleRequest(route, { application: 'orders', profile: 'embedded' })
        for (const caller of callers) {
          const token = caller === 'anonymous' ? undefined : people[caller].token
          const answer = await ask(route.method, `${world().gateway}${path}`, { token, body })
          assert.ok(answer.status >= 400 && answer.status < 500, `${caller} ${route.method} ${path}: ${answer.status}`)
        }
      }
    })

    it('the services themselves take nothing without an internal token', async () => {
      const people = await cast()
      const hosts: Record<string, string> = Object.fromEntries(
        everyRoute.map((route) => [route.service, world().system.url(route.service)]),
      )
      for (const route of everyRoute.filter((candidate) => candidate.service !== 'gateway')) {
        if (route.access.anonymous) continue
        const { path, body } = sampleRequest(route, { id: people.order, orderId: people.order, userId: people.user.id })
        for (const token of [undefined, people.admin.token]) {
          const answer = await ask(route.method, `${hosts[route.service]!}${path}`, { token, body })
          assertProblem(answer, 'unauthenticated', `${route.service}: ${route.method} ${path}`)
        }
      }
    })
  })
}
