import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildSchema, parse, validate } from 'graphql'
import { declaredApi } from '../../../declared-api.ts'
import { documentFor, questionOf, subscribes, variablesFor } from './question.ts'

const { types, documents } = declaredApi().graph
const schema = buildSchema(
  readFileSync(new URL('../../../../../contracts/graphql/generated/published.graphql', import.meta.url), 'utf8'),
)

test('the document written for any field of the roots is one that the graph takes', () => {
  for (const root of ['Query', 'Subscription'])
    for (const field of types.find(({ name }) => name === root)?.fields ?? []) {
      const text = documentFor(root, field, types)
      assert.deepEqual(validate(schema, parse(text)), [], text)
      assert.equal(subscribes(text), root === 'Subscription')
    }
})

test('the variables that a document needs begin with ids that are known', () => {
  const known = { orderId: 'o', productId: 'p', userId: 'u' }
  const [order = '', mine = ''] = [documents['order-at-a-glance'], documents['my-orders']]
  assert.deepEqual(variablesFor(order, known), { id: 'o' })
  assert.deepEqual(variablesFor(mine, known), {}, 'what has a default isn’t needed')
  assert.deepEqual(variablesFor('query ($id: ID!) { product(id: $id) { name } }', known), { id: 'p' })
})

test('a subscription is one behind its comments, and a field of that name isn’t one', () => {
  assert.ok(subscribes('# what\n\nsubscription X { a }'))
  assert.ok(!subscribes('query { subscription }'))
  assert.deepEqual(questionOf('{ a }', ' '), { query: '{ a }' })
  assert.throws(() => questionOf('{ a }', '{'), SyntaxError)
})
