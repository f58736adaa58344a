import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { supergraph } from '@svyaz/contracts/graphql/generated/supergraph.ts'
import { buildASTSchema, getOperationAST, parse } from 'graphql'
import { settings } from './config.ts'
import { shapeFaults } from './documents.ts'
import { costOf, shapeOf } from './measure.ts'

const shape = (text: string) => shapeOf(parse(text))

describe('the shape of a document', () => {
  test('counts levels, fields, aliases and the fields of the operation', () => {
    assert.deepEqual(shape('{ a { b { c } } x: d }'), { depth: 3, fields: 4, aliases: 1, rootFields: 2 })
  })
  test('counts fragments where they are spread, inline ones too', () => {
    const text = '{ a { ...F ... on T { e } } ...R } fragment F on T { b { c } d } fragment R on Query { y: z }'
    assert.deepEqual(shape(text), { depth: 3, fields: 6, aliases: 1, rootFields: 2 })
  })
  test('adds up operations, and takes the largest of their own fields', () => {
    assert.deepEqual(shape('query A { a b } query B { c }'), { depth: 1, fields: 3, aliases: 0, rootFields: 2 })
  })
  test('a document whose fragments double each other is measured, not unfolded', () => {
    const levels = 200
    const fragments = Array.from(
      { length: levels },
      (_, at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`,
    )
    const { fields } = shape(`{ ...F0 } ${fragments.join(' ')} fragment F${levels} on Query { a }`)
    assert.equal(fields, 1e9)
  })
  test('refuses fragments that spread each other, spread or not', () => {
    const circle = 'fragment A on Query { ...B } fragment B on Query { ...A }'
    assert.throws(() => shape(`{ ...A } ${circle}`), RangeError)
    assert.throws(() => shape(`{ a } ${circle}`), RangeError)
  })
  test('each bound is named when it is broken, and only then', () => {
    const bounds = settings.parse({ depthMax: 2, fieldsMax: 3, aliasesMax: 1, rootFieldsMax: 1 })
    assert.deepEqual(shapeFaults({ depth: 2, fields: 3, aliases: 1, rootFields: 1 }, bounds), [])
    for (const [name, value] of Object.entries({ depth: 3, fields: 4, aliases: 2, rootFields: 2 })) {
      const faults = shapeFaults({ depth: 2, fields: 3, aliases: 1, rootFields: 1, [name]: value }, bounds)
      assert.equal(faults.length, 1, name)
    }
  })
})

describe('the cost of an operation', () => {
  const schema = buildASTSchema(parse(supergraph), { assumeValid: true })
  const cost = (text: string, variables = {}) => {
    const document = parse(text)
    const operation = getOperationAST(document)
    assert.ok(operation)
    return costOf(schema, document, operation, { variables, listItemsAssumed: 5 })
  }

  test('a field without a list is one', () => assert.equal(cost('{ me { id name } }'), 3))
  test('a page has as many items as were asked for, wherever the number is written', () => {
    const items = (first: number) => 2 + first * 2
    assert.equal(cost('{ orders(first: 7) { nodes { id status } } }'), items(7))
    assert.equal(cost('query($n: Int!) { orders(first: $n) { nodes { id status } } }', { n: 9 }), items(9))
    assert.equal(cost('query($n: Int! = 3) { orders(first: $n) { nodes { id status } } }'), items(3))
    assert.equal(cost('{ orders { nodes { id status } } }'), items(20))
  })
  test('a list that says nothing of its length has the assumed one', () =>
    assert.equal(cost('{ order(id: "x") { items { quantity } } }'), 2 + 5))
  test('lists within lists multiply, through fragments too', () => {
    const plain = cost('{ orders(first: 10) { nodes { user { orders(first: 10) { nodes { id } } } } } }')
    const spread = cost(
      '{ orders(first: 10) { nodes { ...F } } } fragment F on Order { user { ... on User { orders(first: 10) { nodes { id } } } } }',
    )
    assert.equal(plain, 2 + 10 * 3 + 100)
    assert.equal(spread, plain)
  })
  test('what is not a number is not trusted', () => {
    for (const odd of [-5, 0, 'many', null, Number.NaN])
      assert.equal(cost('query($n: Int!) { orders(first: $n) { nodes { id } } }', { n: odd }), 2 + 5, String(odd))
  })
  test('a bomb of pages is beyond the limit', () => {
    const deep = '{ orders(first: 100) { nodes { user { orders(first: 100) { nodes { id status version } } } } } }'
    assert.ok(cost(deep) > settings.parse({}).costMax)
  })
})
