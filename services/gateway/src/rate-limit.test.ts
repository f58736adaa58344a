import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitSuite } from '../test/limit-suite.ts'
import { limitHeaders, memoryLimitStore } from './rate-limit.ts'

limitSuite(
  'memory',
  async () => ({ stores: [memoryLimitStore(10)], [Symbol.asyncDispose]: async () => undefined }),
  false,
)

test('keys are bounded and silent ones forgotten', () => {
  const store = memoryLimitStore(2)
  const once = { name: 'x', requests: 1, windowMs: 1_000 }
  assert.equal(store.take(once, 'a', 5_000).allowed, true)
  store.take(once, 'b', 5_000)
  store.take(once, 'c', 5_000)
  assert.equal(store.take(once, 'a', 5_000).allowed, true)
  assert.equal(store.take(once, 'c', 5_999).allowed, false)
  assert.equal(store.take(once, 'c', 6_000).allowed, true)
})

test('the headers say policy, rest and time', () => {
  const policy = { name: 'user', requests: 100, windowMs: 60_000 }
  assert.deepEqual(limitHeaders(policy, { allowed: true, remaining: 7, resetSeconds: 30 }), [
    'ratelimit-policy',
    '"user";q=100;w=60',
    'ratelimit',
    '"user";r=7;t=30',
  ])
})

test('what is given back may be taken again', () => {
  const store = memoryLimitStore(2)
  const once = { name: 'x', requests: 1, windowMs: 1_000 }
  assert.equal(store.take(once, 'a', 5_000).allowed, true)
  store.giveBack(once, 'a', 5_500)
  store.giveBack(once, 'unknown', 5_500)
  assert.equal(store.take(once, 'a', 5_500).allowed, true)
  assert.equal(store.take(once, 'a', 5_501).allowed, false)
})
