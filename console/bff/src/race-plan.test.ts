import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './limits.ts'
import { needsToken, planOf, quantile } from './race-plan.ts'

const none = new Set<never>()

test('a race leaves its user some requests, whatever a page asks for', () => {
  for (const left of [0, 16, 50, 100])
    for (const question of ['order', 'product'] as const) {
      const plan = planOf(question, 1_000, left, none)
      const counted = Object.entries(plan).filter(([lane]) => lane !== 'socket' && needsToken(question, lane as 'grpc'))
      const sum = counted.reduce((total, [, runs]) => total + runs, 0)
      assert.ok(sum <= Math.max(0, left - limits.raceRequestsKeptBack), `${question} ${left}: ${sum}`)
    }
})

test('what isn’t counted makes as many calls as were asked for, and what is away none', () => {
  const plan = planOf('product', 50, 100, new Set(['rest-3', 'rest-2'] as const))
  assert.equal(plan['rest-1'], 50)
  assert.equal(plan.socket, 50)
  assert.equal(plan.grpc, 42)
  assert.equal(plan['rest-2'], 0)
  assert.equal(planOf('product', 1e9, 100, none)['rest-1'], limits.raceRunsMax)
  assert.equal(planOf('product', -3, 100, none)['rest-1'], 1)
})

test('the middle and the slowest of a hundred by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at)
  assert.deepEqual([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99)], [50, 99, 7])
  assert.ok(Number.isNaN(quantile([], 0.5)))
})
