/** When a worker looks for due payments again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './config.ts'
import { roundAfter } from './worker.ts'

test('it sleeps until the next payment is due', () => {
  assert.deepEqual(roundAfter(0, 250), { done: 0, dueInMs: 250 })
  assert.deepEqual(roundAfter(3, 250), { done: 0, dueInMs: 250 })
  assert.deepEqual(roundAfter(0, undefined), { done: 0, dueInMs: undefined })
})

test('what became due while others were taken is taken at once', () => {
  assert.ok(roundAfter(1, -1).done > 0)
  assert.ok(roundAfter(1, 0).done > 0)
})

test('what somebody else holds is looked for again soon, not at the next poll, and not without a pause', () => {
  const round = roundAfter(0, -3)
  assert.deepEqual(round, { done: 0, dueInMs: limits.heldAgainMs })
  assert.ok(limits.heldAgainMs > 0 && limits.heldAgainMs < limits.workEveryMs)
})
