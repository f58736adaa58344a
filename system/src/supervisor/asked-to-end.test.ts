import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meaningOf } from './asked-to-end.ts'

test('a signal that npm passes on a moment later is the same one; a later one asks a second time', () => {
  assert.equal(meaningOf(undefined, 5_000), 'first')
  assert.equal(meaningOf(5_000, 5_040), 'same')
  assert.equal(meaningOf(5_000, 6_500), 'second')
})
