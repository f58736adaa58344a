import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Got, holesIn, linkAt, pathsFor, pathsOf, putTogether } from './aggregate-plan.ts'
import type { Aggregate } from './routes.ts'

const whole: Aggregate = {
  root: { name: 'order', path: '/orders/{id}' },
  parts: {
    user: { path: '/users/{order.userId}' },
    products: { path: '/products/{order.items.*.productId}' },
    payment: { path: '/payments?orderId={order.id}', first: true },
    parcels: { path: '/deliveries?orderId={order.id}', pick: ['status'] },
  },
}
const order = { id: 'o 1', userId: 'u/1', items: [{ productId: 'A' }, { productId: 'B' }, { productId: 'A' }] }

test('holes of a path are taken as they came; those of a root are encoded, each of several once', () => {
  assert.deepEqual(holesIn('/orders/{id}/details', '/orders/a%20b/details'), { id: 'a%20b' })
  assert.deepEqual(pathsOf('/orders/{id}', { id: 'a%20b' }, undefined), ['/orders/a%20b'])
  assert.deepEqual(pathsFor(whole, {}, order), [
    '/users/u%2F1',
    '/products/A',
    '/products/B',
    '/payments?orderId=o%201',
    '/deliveries?orderId=o%201',
  ])
})

test('a root that lacks a member asks nothing for it, whatever it is', () => {
  for (const root of [
    {},
    { items: 'x' },
    { userId: { a: 1 }, items: [null] },
    null,
    'text',
    JSON.parse('{"__proto__":1}'),
  ])
    assert.deepEqual(pathsFor({ ...whole, parts: { a: whole.parts.user!, b: whole.parts.products! } }, {}, root), [])
})

const got = (answers: Record<string, Got>) => (path: string) => answers[path] ?? ({ kind: 'absent' } as const)

test('one answer of what came; what is absent is null, what is away is null and named', () => {
  const answers: Record<string, Got> = {
    '/users/u%2F1': { kind: 'away' },
    '/products/A': { kind: 'value', value: { id: 'A' } },
    '/payments?orderId=o%201': { kind: 'value', value: [{ paid: true }, { paid: false }] },
    '/deliveries?orderId=o%201': { kind: 'value', value: [{ status: 'shipped', secret: 1 }] },
  }
  assert.deepEqual(putTogether(whole, {}, order, got(answers)), {
    order,
    user: null,
    products: [{ id: 'A' }],
    payment: { paid: true },
    parcels: [{ status: 'shipped' }],
    incomplete: ['user'],
  })
  const less: Record<string, Got> = {
    ...answers,
    '/products/B': { kind: 'away' },
    '/payments?orderId=o%201': { kind: 'value', value: [] },
  }
  const { products, payment, incomplete } = putTogether(whole, {}, order, got(less))
  assert.deepEqual([products, payment, incomplete], [[{ id: 'A' }], null, ['user', 'products']])
})

test('a link to the next page leads to the next page of this', () => {
  assert.equal(
    linkAt('</orders?userId=1&cursor=2>; rel="next"', '/orders', '/orders/details'),
    '</orders/details?userId=1&cursor=2>; rel="next"',
  )
})
