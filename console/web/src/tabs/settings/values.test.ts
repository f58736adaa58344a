import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readValue, settingsOf, written } from './values.ts'

const environment = {
  name: 'orders',
  profiles: ['embedded'],
  version: '1',
  propertySources: [
    { name: 'orders/embedded', source: { changeWindowMs: 500 } },
    { name: 'orders/default', source: { changeWindowMs: 100, level: 'warn' } },
    { name: 'orders/schema defaults', source: { changeWindowMs: 0, level: 'info', list: ['a'] } },
  ],
}

test('the first source that names a property wins, and what was shipped is known', () => {
  assert.deepEqual(settingsOf(environment), [
    { name: 'changeWindowMs', value: 500, from: 'profile', shipped: 0 },
    { name: 'level', value: 'warn', from: 'default', shipped: 'info' },
    { name: 'list', value: ['a'], from: 'schema', shipped: ['a'] },
  ])
})

test('text is written without quotes, everything else as JSON, and read as it was', () => {
  for (const value of ['warn', '12', 12, true, null, ['a', { b: 1 }]])
    assert.deepEqual(readValue(written(value), value), value)
  assert.throws(() => readValue('1 2', 1))
})
