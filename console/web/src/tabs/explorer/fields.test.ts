import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declaredApi, type Operation } from '../../../declared-api.ts'
import { beginning, bodyFields, exampleOf, fieldsOf, messageOf, requestOf, rowsOf, unfit } from './fields.ts'

const api = declaredApi()
const operation = (id: string): Operation => {
  const found = api.operations.find((one) => one.id === id)
  assert.ok(found, id)
  return found
}
const known = { productId: 'P-1', orderId: 'o-1', userId: 'u-1' }
const filled = (one: Operation) =>
  Object.fromEntries(fieldsOf(one).map((field) => [field.key, beginning(field, one.path, known)]))

test('every operation’s form begins with what fits it', () => {
  for (const one of api.operations) assert.deepEqual(unfit(fieldsOf(one), filled(one)), [], one.id)
})

test('an order is asked for with the product that is known, and what was left empty isn’t sent', () => {
  const createOrder = operation('createOrder')
  assert.deepEqual(requestOf(createOrder, filled(createOrder)), {
    method: 'POST',
    path: '/orders',
    headers: {},
    body: { items: [{ productId: 'P-1', quantity: 1 }] },
  })
  const values = { ...filled(createOrder), 'header.Idempotency-Key': 'k', 'body.payment': 'now' }
  assert.deepEqual(requestOf(createOrder, values).headers, { 'Idempotency-Key': 'k' })
  assert.deepEqual(requestOf(createOrder, values).body, {
    items: [{ productId: 'P-1', quantity: 1 }],
    payment: 'now',
  })
})

test('an id in the path is that of its kind, and is encoded', () => {
  assert.equal(requestOf(operation('getOrder'), filled(operation('getOrder'))).path, '/orders/o-1')
  assert.equal(requestOf(operation('getUser'), filled(operation('getUser'))).path, '/users/u-1')
  assert.equal(requestOf(operation('getProduct'), { 'path.id': 'a/b?c' }).path, '/products/a%2Fb%3Fc')
  const search = { 'query.q': 'tea & cake' }
  assert.equal(requestOf(operation('listProducts'), search).path, '/products?q=tea+%26+cake')
})

test('what isn’t of its type is found, and what is needed', () => {
  const fields = bodyFields({
    type: 'object',
    required: ['count', 'lines'],
    properties: {
      count: { type: 'integer' },
      lines: { type: 'array', items: { type: 'string' } },
      note: { type: 'string' },
      on: { type: 'boolean' },
    },
  })
  const names = (values: Record<string, string>) => unfit(fields, values).map(({ name }) => name)
  assert.deepEqual(names({}), ['count', 'lines'])
  assert.deepEqual(names({ 'body.count': 'x', 'body.lines': '[1' }), ['count', 'lines'])
  const values = { 'body.count': '2', 'body.lines': '["a"]', 'body.on': 'true' }
  assert.deepEqual(names(values), [])
  assert.deepEqual(messageOf(fields, values), { count: 2, lines: ['a'], on: true })
})

test('messages of gRPC and of channels have rows for people to read', () => {
  const check = api.grpc.find(({ name }) => name.endsWith('/CheckAvailability'))
  assert.deepEqual(
    rowsOf(check?.request ?? {}).map(({ name, type }) => `${name}: ${type}`),
    ['lines: object[]', 'lines[].productId: string', 'lines[].quantity: integer'],
  )
  assert.deepEqual(exampleOf(check?.request ?? {}, known), { lines: [{ productId: 'P-1', quantity: 1 }] })
  assert.ok(check?.open)
  for (const { messages, name } of api.channels) assert.ok(messages.length > 0, name)
})
