import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { faultsOf, mustBeStorable } from './validation.ts'

const schema = z.toJSONSchema(
  z.object({ waitMs: z.int().min(0).max(10).default(1), hosts: z.array(z.string()).default([]) }),
  {
    io: 'input',
  },
) as Parameters<typeof faultsOf>[0]

test('a value within its schema has no fault', () => {
  assert.deepEqual(faultsOf(schema, { waitMs: 5, hosts: ['a'] }), [])
})

test('each wrong value is pointed at', () => {
  const faults = faultsOf(schema, { waitMs: 11, hosts: [1] })
  assert.deepEqual(
    faults.map((fault) => fault.pointer),
    ['/properties/waitMs', '/properties/hosts/0'],
  )
  assert.match(faults[0]!.detail, /waitMs must be <= 10/)
})

test('what PostgreSQL cannot keep in JSON is refused, however deep it is', () => {
  mustBeStorable({ good: [{ 'a\u00e9': ['\u{1f600}', null, 1] }] })
  for (const bad of ['a\0b', '\ud800', { 'a\0b': 1 }, [[{ deep: ['\udc00'] }]]])
    assert.throws(() => mustBeStorable({ good: 1, bad }), { code: 'invalid_properties' })
})
