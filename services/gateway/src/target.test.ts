import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseTarget } from './target.ts'

const pathOf = (raw: string) => {
  const target = normaliseTarget(raw)
  return typeof target === 'string' ? `refused: ${target}` : target.path
}

test('every spelling of a path becomes one', () => {
  const cases = [
    ['/', '/'],
    ['/orders', '/orders'],
    ['/orders/', '/orders/'],
    ['/orders/a.b~c-d_e', '/orders/a.b~c-d_e'],
    ['//orders///7', '/orders/7'],
    ['/products/../users', '/users'],
    ['/products/%2e%2e/users', '/users'],
    ['/products/%2E./users/.', '/users/'],
    ['/products/..', '/'],
    ['/../../etc', '/etc'],
    ['/%6f%72ders/7', '/orders/7'],
    ['/orders/%c3%a9', '/orders/%C3%A9'],
    ['/a/%252e%252e/b', '/a/%252e%252e/b'],
    ['/a/..b/...', '/a/..b/...'],
    ['http://elsewhere/orders/7', '/orders/7'],
    ['https://elsewhere', '/'],
  ] as const
  for (const [raw, expected] of cases) assert.equal(pathOf(raw), expected, raw)
})

test('what two readers could understand differently is refused', () => {
  for (const raw of [
    '/products/..%2fusers',
    '/products/%2F',
    '/a%5cb',
    '/a%00',
    '/a%0d%0aX: y',
    '/a%7f',
    '/a%',
    '/a%zz',
    '/a\\b',
    '/a b',
    '/a#b',
    '/\u00e9',
    '/a?x=%',
    '/a?\u0000',
    'orders',
    'ftp://a/b',
    '',
    `/${'a'.repeat(8_192)}`,
  ])
    assert.equal(typeof normaliseTarget(raw), 'string', raw)
})

test('a normalised path stays as it is', () => {
  for (const raw of ['//a/../%2e/b', '/%7Eada/', '/x/y/../../z/.']) {
    const once = pathOf(raw)
    assert.equal(pathOf(once), once)
  }
})

test('the query is passed on untouched', () => {
  assert.deepEqual(normaliseTarget('/orders?userId=1&next=/../%2f?'), {
    path: '/orders',
    query: '?userId=1&next=/../%2f?',
  })
  assert.deepEqual(normaliseTarget('http://a?x=1'), { path: '/', query: '?x=1' })
})
