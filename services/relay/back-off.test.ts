import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backOffMs } from './back-off.ts'

const bounds = { minMs: 100, maxMs: 1_000 }

test('the wait grows with the failures up to a bound, and is never less than half of it', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 1_000].map((failures) => backOffMs(failures, bounds, 1)),
    [100, 200, 400, 800, 1_000, 1_000],
  )
  assert.deepEqual([backOffMs(0, bounds, 0), backOffMs(3, bounds, 0), backOffMs(3, bounds, 0.5)], [50, 400, 600])
})
