import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findItems, type Item, itemsMax } from './palette-items.ts'

const item = (kind: Item['kind'], text: string, to: string, also = ''): Item => ({ kind, text, to, also })
const items = [
  item('page', 'Orders', '/orders', 'Заказы'),
  item('page', 'Logs', '/logs', 'Журналы'),
  item('process', 'orders-1', '/?node=orders'),
  item('process', 'payments-1', '/?node=payments'),
]
const words = {
  openOrder: (id: string) => `order ${id}`,
  openTrace: (id: string) => `trace ${id}`,
  searchLogs: (text: string) => `lines ${text}`,
}
const pages = new Set(['orders', 'logs', 'traces'])
const find = (typed: string) => findItems(typed, items, pages, words).map(({ to }) => to)

test('nothing typed offers what there is', () => {
  assert.deepEqual(find(' '), ['/orders', '/logs', '/?node=orders', '/?node=payments'])
})

test('the start of a name comes first; a word of the other language, and letters in order, find it too', () => {
  assert.deepEqual(find('ord'), ['/orders', '/?node=orders', '/logs?q=ord'])
  assert.equal(find('зак')[0], '/orders')
  assert.deepEqual(find('py'), ['/?node=payments'])
})

test('an id leads to its order or trace, where there is such a page', () => {
  const order = '0193abcd-0000-7000-8000-00000000abcd'
  const trace = 'ABCDEF0123456789abcdef0123456789'
  assert.equal(find(order)[0], `/orders/${order}`)
  assert.equal(find(trace)[0], `/traces/${trace.toLowerCase()}`)
  assert.equal(findItems(trace, items, new Set(['logs']), words)[0]?.kind, 'log')
})

test('text that nothing is named by is looked for in the logs; the list is bounded', () => {
  assert.deepEqual(find('a&b c'), ['/logs?q=a%26b%20c'])
  const many = Array.from({ length: 50 }, (_, index) => item('page', `page ${index}`, `/${index}`))
  assert.equal(findItems('page', many, pages, words).length, itemsMax)
})
