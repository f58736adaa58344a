import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMatcher } from './matcher.ts'
import { defaultRoutes, routeList } from './routes.ts'

const routeOf = (method: string, path: string) => {
  const match = compileMatcher(routeList.parse(defaultRoutes))(method, path)
  return match.kind === 'route' ? `${match.route.service} ${match.route.auth}` : match.kind
}

test('the default list leads each path of the assignment to its service', () => {
  const cases = [
    ['POST', '/auth/login', 'users none'],
    ['GET', '/auth/login', 'no-method'],
    ['POST', '/users', 'users none'],
    ['POST', '/auth/refresh', 'users none'],
    ['POST', '/auth/logout', 'users none'],
    ['POST', '/users/me/password', 'users required'],
    ['GET', '/users', 'users required'],
    ['POST', '/users/7/block', 'users required'],
    ['GET', '/users/me', 'users required'],
    ['POST', '/orders', 'orders required'],
    ['PATCH', '/orders/7', 'orders required'],
    ['GET', '/products', 'inventory optional'],
    ['HEAD', '/products/P-1001', 'inventory optional'],
    ['POST', '/products/P-1001/restock', 'inventory required'],
    ['GET', '/payments', 'payments required'],
    ['GET', '/deliveries', 'delivery required'],
    ['GET', '/notifications', 'notifications required'],
    ['GET', '/notifications/stream', 'notifications required'],
    ['POST', '/oauth2/introspect', 'nothing'],
    ['GET', '/', 'nothing'],
    ['GET', '/ordersx', 'nothing'],
    ['GET', '/ORDERS', 'nothing'],
    ['TRACE', '/orders', 'no-method'],
    ['PROPFIND', '/orders', 'no-method'],
  ] as const
  for (const [method, path, expected] of cases) assert.equal(routeOf(method, path), expected, `${method} ${path}`)
})

const match = compileMatcher(
  routeList.parse([
    { prefix: '/a', service: 'wide', auth: 'none' },
    { prefix: '/a/b', service: 'deep', auth: 'none', methods: ['GET'] },
    { prefix: '/a/b', service: 'deep-post', auth: 'none', methods: ['POST'] },
    { prefix: '/a', service: 'only-a', auth: 'none', exact: true, methods: ['GET'] },
  ]),
)
const serviceOf = (method: string, path: string) => {
  const found = match(method, path)
  return found.kind === 'route' ? found.route.service : found
}

test('the longest prefix wins, and exact before a prefix as long', () => {
  assert.equal(serviceOf('GET', '/a'), 'only-a')
  assert.equal(serviceOf('POST', '/a'), 'wide')
  assert.equal(serviceOf('GET', '/a/'), 'wide')
  assert.equal(serviceOf('GET', '/a/bc'), 'wide')
  assert.equal(serviceOf('GET', '/a/b'), 'deep')
  assert.equal(serviceOf('POST', '/a/b/c'), 'deep-post')
})

test('a shorter prefix never catches what the longer one refuses', () => {
  assert.deepEqual(serviceOf('DELETE', '/a/b/c'), {
    kind: 'no-method',
    allowed: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  })
})

test('a list that routes the same method of a place twice is refused, and names where', () => {
  const doubled = routeList.safeParse([
    { prefix: '/a', service: 'one', auth: 'none' },
    { prefix: '/a', service: 'two', auth: 'none', methods: ['GET'] },
  ])
  assert.equal(doubled.success, false)
  assert.deepEqual(doubled.error?.issues[0]?.path, [1])
  assert.equal(routeList.safeParse([{ prefix: '/a', service: 'one', auth: 'none', cache: 5 }]).success, false)
})
