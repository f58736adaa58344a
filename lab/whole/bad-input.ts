/** Requests that are wrong: each gets its problem, and nothing is half-done. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ErrorCode } from '@svyaz/contracts/errors.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import { type Ask, ask } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { assertProblem } from './problems.ts'
import type { World } from './world.ts'

interface Case {
  readonly what: string
  readonly method?: string
  readonly path?: string
  readonly options: Ask
  readonly code: ErrorCode
  /** JSON Pointer of the fault that must be named. */
  readonly pointer?: string
}

const line = { productId: 'P-1001', quantity: 1 }
const json = { 'content-type': 'application/json' }
const order = (body: unknown): Ask => ({ body })

const wrongOrders: readonly Case[] = [
  { what: 'half a JSON text', options: { raw: '{"items":[', headers: json }, code: 'invalid_json' },
  { what: 'an empty JSON body', options: { raw: '', headers: json }, code: 'invalid_request' },
  { what: 'no body', options: {}, code: 'invalid_request' },
  { what: 'an array', options: order([line]), code: 'invalid_request' },
  { what: 'null', options: order(null), code: 'invalid_request' },
  { what: 'no items', options: order({ items: [] }), code: 'invalid_request', pointer: '/items' },
  { what: 'an unknown field', options: order({ items: [line], price: 1 }), code: 'invalid_request', pointer: '/price' },
  {
    what: 'a status of its own',
    options: order({ items: [line], status: 'paid' }),
    code: 'invalid_request',
    pointer: '/status',
  },
  {
    what: 'an unknown field in a line',
    options: order({ items: [{ ...line, unitPrice: { amountMinor: 1, currency: 'EUR' } }] }),
    code: 'invalid_request',
    pointer: '/items/0/unitPrice',
  },
  ...[-1, 0, 1.5, 1e21, limits.lineQuantityMax + 1, '1', null].map(
    (quantity): Case => ({
      what: `quantity ${JSON.stringify(quantity)}`,
      options: order({ items: [{ ...line, quantity }] }),
      code: 'invalid_request',
      pointer: '/items/0/quantity',
    }),
  ),
  {
    what: 'too many lines',
    options: order({
      items: Array.from({ length: limits.orderLinesMax + 1 }, (_, n) => ({ ...line, productId: `P-${1000 + n}` })),
    }),
    code: 'invalid_request',
    pointer: '/items',
  },
  {
    what: 'a product twice',
    options: order({ items: [line, line] }),
    code: 'duplicate_line',
    pointer: '/items/1/productId',
  },
  {
    what: 'a product of another form than ours',
    options: order({ items: [{ ...line, productId: "P-1' OR 1=1" }] }),
    code: 'unknown_product',
    pointer: '/items/0/productId',
  },
  {
    what: "the product of the assignment's example",
    options: order({ items: [{ ...line, productId: 'product1' }] }),
    code: 'unknown_product',
    pointer: '/items/0/productId',
  },
  {
    what: 'a product of two lines',
    options: order({ items: [{ ...line, productId: 'P-1001\nP-1002' }] }),
    code: 'invalid_request',
    pointer: '/items/0/productId',
  },
  {
    what: 'an unknown product',
    options: order({ items: [{ ...line, productId: 'P-9999' }] }),
    code: 'unknown_product',
    pointer: '/items/0/productId',
  },
  {
    what: 'an unknown payment method',
    options: order({ items: [line], paymentMethod: 'pm_free' }),
    code: 'invalid_request',
    pointer: '/paymentMethod',
  },
  {
    what: 'a user of another form than ours',
    options: order({ items: [line], userId: 'user123' }),
    code: 'forbidden',
  },
  {
    what: 'a user with U+0000',
    options: order({ items: [line], userId: 'user\0' }),
    code: 'invalid_request',
    pointer: '/userId',
  },
  { what: "another user's id", options: order({ items: [line], userId: randomUUID() }), code: 'forbidden' },
  {
    what: 'an Idempotency-Key that is too long',
    options: { ...order({ items: [line] }), headers: { 'idempotency-key': 'k'.repeat(129) } },
    code: 'invalid_request',
  },
  {
    what: 'a text instead of JSON',
    options: { raw: 'items=1', headers: { 'content-type': 'text/plain' } },
    code: 'unsupported_media_type',
  },
  {
    what: 'a form',
    options: { raw: 'items=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    code: 'unsupported_media_type',
  },
  {
    what: 'a body over 1 MiB',
    options: { raw: JSON.stringify({ items: [line], pad: 'x'.repeat(limits.bodyBytesMax) }), headers: json },
    code: 'body_too_large',
  },
  {
    what: 'a query that nobody knows',
    path: '/orders?dryRun=true',
    options: order({ items: [line] }),
    code: 'invalid_request',
  },
]

/** `{me}` and `{order}` stand for the caller's id and an order of somebody else. */
const wrongReads: readonly Case[] = [
  { what: 'a list of nobody', path: '/orders', options: {}, code: 'invalid_request', pointer: '/userId' },
  { what: "another user's list", path: `/orders?userId=${randomUUID()}`, options: {}, code: 'forbidden' },
  {
    what: 'a wrong cursor',
    path: '/orders?userId={me}&cursor=%27%3B--',
    options: {},
    code: 'invalid_request',
    pointer: '/cursor',
  },
  {
    what: 'a page without end',
    path: '/orders?userId={me}&limit=101',
    options: {},
    code: 'invalid_request',
    pointer: '/limit',
  },
  { what: 'a page of minus one', path: '/products?limit=-1', options: {}, code: 'invalid_request', pointer: '/limit' },
  {
    what: 'a wrong cursor of notifications',
    path: '/notifications?cursor=x',
    options: {},
    code: 'invalid_request',
    pointer: '/cursor',
  },
  {
    what: 'a cursor with U+0000',
    path: '/products?cursor=%00',
    options: {},
    code: 'invalid_request',
    pointer: '/cursor',
  },
  { what: 'a search for U+0000', path: '/products?q=%00', options: {}, code: 'invalid_request', pointer: '/q' },
  {
    what: 'a page in hexadecimal',
    path: '/products?limit=0x10',
    options: {},
    code: 'invalid_request',
    pointer: '/limit',
  },
  {
    what: 'two pages at once',
    path: '/products?limit=1&limit=2',
    options: {},
    code: 'invalid_request',
    pointer: '/limit',
  },
  ...[
    '/orders/nope',
    '/orders/1',
    '/orders/nope/story',
    '/orders/nope/follow',
    '/users/nope',
    '/products/product1',
  ].map((path): Case => ({ what: `an id of another form than ours: ${path}`, path, options: {}, code: 'not_found' })),
  {
    what: 'cancelling an order of another form than ours',
    method: 'POST',
    path: '/orders/nope/cancel',
    options: {},
    code: 'not_found',
  },
  { what: "the list of the assignment's example", path: '/orders?userId=user123', options: {}, code: 'forbidden' },
  {
    what: 'an id of two lines',
    path: '/orders?userId=a%0Ab',
    options: {},
    code: 'invalid_request',
    pointer: '/userId',
  },
  {
    what: 'an id without end',
    path: `/orders/${'x'.repeat(limits.idCharsMax + 1)}`,
    options: {},
    code: 'invalid_request',
    pointer: '/id',
  },
  { what: 'an order that does not exist', path: `/orders/${randomUUID()}`, options: {}, code: 'not_found' },
  { what: "another user's order", path: '/orders/{order}', options: {}, code: 'not_found' },
  { what: "another user's story", path: '/orders/{order}/story', options: {}, code: 'not_found' },
  { what: "following another user's order", path: '/orders/{order}/follow', options: {}, code: 'not_found' },
  {
    what: "cancelling another user's order",
    method: 'POST',
    path: '/orders/{order}/cancel',
    options: {},
    code: 'not_found',
  },
  {
    what: "changing another user's order",
    method: 'PATCH',
    path: '/orders/{order}',
    options: { body: { items: [line] } },
    code: 'not_found',
  },
  { what: 'another user', path: `/users/${randomUUID()}`, options: {}, code: 'not_found' },
  {
    what: 'restocking as a user',
    method: 'POST',
    path: '/products/P-1001/restock',
    options: { body: { quantity: 1 } },
    code: 'forbidden',
  },
  { what: 'blocking as a user', method: 'POST', path: '/users/{me}/block', options: {}, code: 'forbidden' },
  { what: 'a path that leads nowhere', path: '/nothing/here', options: {}, code: 'not_found' },
  {
    what: 'a method that is not there',
    method: 'DELETE',
    path: '/orders/{order}',
    options: {},
    code: 'method_not_allowed',
  },
  { what: 'a forged token', path: '/users/me', options: { token: 'svya_forged' }, code: 'unauthenticated' },
  {
    what: 'a token that somebody signed without a key',
    path: '/users/me',
    options: {
      token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.`,
    },
    code: 'unauthenticated',
  },
]

/** Spellings that would leave a public path, for a caller without a token. */
const traversals = [
  '/products/../users/me',
  '/products/%2e%2e/users/me',
  '/products/../../../users/me',
  '/products/..%2f..%2fusers%2fme',
  '/products/..%5c..%5cusers',
  '/products/..;/admin/orders/embedded/history',
  '/products/../admin/orders/embedded/history',
  '/products/../orders/embedded',
  '/products/%2e%2e/schemas/orders',
  '/products/%00',
  '/products/%',
  '/products\\..\\users',
  'users/me',
]

/** Sends wrong requests to every edge. */
export const badInputScenarios = (world: () => World): void => {
  describe('bad input', { concurrency: 1 }, () => {
    const people = new Map<string, Promise<Person>>()
    const person = (name: string) => {
      const known = people.get(name) ?? world().register(name)
      people.set(name, known)
      return known
    }
    const othersOrder = async () => {
      const other = await person('Otto Other')
      const [known] = (await other.ask('GET', `/orders?userId=${other.id}`)).body
      return known ?? (await other.order({ items: [{ productId: world().product(), quantity: 1 }] }))
    }
    const orderCount = async () => (await world().storedOrders()).length

    it('makes no order, and each fault is pointed at', async () => {
      const user = await person('Ben Bad')
      const before = await orderCount()
      for (const { what, path = '/orders', options, code, pointer } of wrongOrders) {
        const problem = assertProblem(await user.ask('POST', path, options), code, what)
        if (pointer !== undefined)
          assert.ok(
            problem.errors?.some((fault) => fault.pointer === pointer),
            `${what}: ${JSON.stringify(problem)}`,
          )
      }
      assert.equal(await orderCount(), before)
    })

    it('in other places is refused in the same form', async () => {
      const user = await person('Ben Bad')
      const foreign = (await othersOrder()).id
      for (const { what, method = 'GET', path = '', options, code, pointer } of wrongReads) {
        const target = path.replace('{me}', user.id).replace('{order}', foreign)
        const problem = assertProblem(await user.ask(method, target, options), code, what)
        if (pointer !== undefined)
          assert.ok(
            problem.errors?.some((fault) => fault.pointer === pointer),
            `${what}: ${JSON.stringify(problem)}`,
          )
      }
      for (const list of ['payments', 'deliveries']) {
        assert.deepEqual((await user.ask('GET', `/${list}?orderId=${foreign}`)).body, [], `${list} of another user`)
      }
      const before = (await (await person('Otto Other')).read(foreign)).items
      assert.equal(before.length, 1)
    })

    it('of every user alike: an e-mail that is taken, a weak password, a role of its own', async () => {
      const user = await person('Ben Bad')
      const register = (body: object) => ask('POST', `${world().gateway}/users`, { body })
      const good = { email: `new.${randomUUID()}@example.org`, password: 'long enough', name: 'New' }
      assertProblem(await register({ ...good, email: user.email }), 'email_taken')
      assertProblem(await register({ ...good, email: user.email.toUpperCase() }), 'email_taken')
      assertProblem(await register({ ...good, email: 'nobody' }), 'invalid_request')
      assertProblem(await register({ ...good, password: 'short' }), 'invalid_request')
      for (const password of ['password123', good.email])
        assertProblem(await register({ ...good, password }), 'weak_password')
      assertProblem(await register({ ...good, name: 'New\r\nBcc: all@example.org' }), 'invalid_request')
      assertProblem(await register({ ...good, roles: ['admin'] }), 'invalid_request')
      const login = (email: string) =>
        ask('POST', `${world().gateway}/auth/login`, { body: { email, password: 'not this one' } })
      const [known, unknown] = [
        assertProblem(await login(user.email), 'invalid_credentials'),
        assertProblem(await login(`nobody.${randomUUID()}@example.org`), 'invalid_credentials'),
      ]
      assert.deepEqual([known.detail, known.title], [unknown.detail, unknown.title], 'nobody learns who is registered')
    })

    it('in the path is not a way round the rules of the place it leads to', async () => {
      const user = await person('Ben Bad')
      for (const path of traversals) {
        const answer = await ask('GET', `${world().gateway}${path}`)
        const seen = `${path}: ${answer.status} ${JSON.stringify(answer.body)}`
        assert.ok(answer.status >= 400 && answer.status < 500, seen)
        assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, seen)
      }
      assertProblem(await user.ask('GET', '/products/../admin/orders/embedded/history'), 'forbidden')
    })

    it('in headers gives nobody another identity', async () => {
      const user = await person('Ben Bad')
      const forged = {
        'x-user-id': world().admin.id,
        'x-forwarded-user': 'admin',
        'x-svyaz-caller': 'service:orders',
        'x-original-url': '/admin/orders/embedded',
        'x-http-method-override': 'DELETE',
      }
      const answer = await user.ask('GET', '/users/me', { headers: forged })
      assert.deepEqual([answer.status, answer.body.id], [200, user.id])
      assertProblem(await ask('GET', `${world().gateway}/users/me`, { headers: forged }), 'unauthenticated')
    })

    it('an id of another form than ours names nothing, for staff too', async () => {
      const { token } = world().admin
      const admin = (method: string, path: string, options: object = {}) =>
        ask(method, `${world().gateway}${path}`, { token, ...options })
      for (const path of ['/orders?userId=user123', '/payments?orderId=nope', '/deliveries?orderId=nope']) {
        const answer = await admin('GET', path)
        assert.deepEqual([answer.status, answer.body], [200, []], path)
      }
      for (const path of ['/orders/nope', '/orders/nope/follow', '/users/nope', '/users/nope?include=orders'])
        assertProblem(await admin('GET', path), 'not_found', path)
      for (const path of ['/users/nope/block', '/users/nope/unblock', '/orders/nope/cancel'])
        assertProblem(await admin('POST', path), 'not_found', path)
      const body = { quantity: 1 }
      assertProblem(await admin('POST', '/products/product1/restock', { body }), 'not_found')
      const many = await admin('POST', '/products/restock', { body: { items: [{ productId: 'product1', ...body }] } })
      assert.deepEqual([many.status, many.body.unknown], [200, ['product1']])
      const other = await admin('POST', '/orders', { body: { items: [line], userId: 'user123' } })
      assertProblem(other, 'unknown_user')
    })

    it('a refresh that is repeated gets the same answer; a token used again later revokes its family', async () => {
      const user = await world().register('Rita Refresh')
      const refresh = (refreshToken: string) =>
        ask('POST', `${world().gateway}/auth/refresh`, { body: { refreshToken } })
      const fresh = await refresh(user.refreshToken)
      assert.equal(fresh.status, 200)
      const repeated = await refresh(user.refreshToken)
      assert.deepEqual(repeated.body.refreshToken, fresh.body.refreshToken)
      const next = await refresh(fresh.body.refreshToken)
      assert.equal(next.status, 200)
      assertProblem(await refresh(user.refreshToken), 'invalid_credentials')
      assertProblem(await refresh(next.body.refreshToken), 'invalid_credentials', 'the whole family is revoked')
    })
  })
}
