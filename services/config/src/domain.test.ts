import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentOf, unknownNames } from './domain.ts'

test('sources stand strongest first: profile, default, published defaults', () => {
  const properties = [
    { application: 'orders', profile: 'embedded', name: 'a', value: 1 },
    { application: 'orders', profile: 'default', name: 'a', value: 2 },
    { application: 'users', profile: 'embedded', name: 'a', value: 3 },
  ]
  const environment = environmentOf('orders', 'embedded', '7', properties, { a: 0, b: 0 })
  assert.deepEqual(
    environment.propertySources.map((source) => source.source),
    [{ a: 1 }, { a: 2 }, { a: 0, b: 0 }],
  )
  assert.equal(environmentOf('orders', 'default', '7', properties, {}).propertySources.length, 2)
})

test('an unknown name is a fault that says what is known', () => {
  const [fault] = unknownNames({ properties: { a: {}, b: {} } }, ['a', 'c'])
  assert.equal(fault?.pointer, '/properties/c')
  assert.match(fault?.detail ?? '', /known: a, b/)
})
