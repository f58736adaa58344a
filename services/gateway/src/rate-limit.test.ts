import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitHeaders, memoryLimitStore } from './rate-limit.ts'

const policy = { name: 'user', requests: 100, windowMs: 60_000 }
const start = 60_000 * 1_000

test('a hundred pass, the next does not, and the wait that is named is just enough', () => {
  const store = memoryLimitStore(10)
  for (let i = 0; i < 100; i++) {
    const verdict = store.take(policy, 'a', start + i)
    assert.deepEqual([verdict.allowed, verdict.remaining], [true, 99 - i])
  }
  const refused = store.take(policy, 'a', start + 100)
  assert.deepEqual(refused, { allowed: false, remaining: 0, resetSeconds: 60 })
  assert.equal(store.take(policy, 'b', start + 100).allowed, true)
  assert.equal(store.take(policy, 'a', start + 59_999).allowed, false)
  assert.equal(store.take(policy, 'a', start + 60_000).allowed, true)
})

test('no minute, wherever it begins, sees more than the limit, whatever the pace', () => {
  // A burst at the end of one minute and steady knocking in the next: what undoes windows and weighed counters.
  const bursts = (at: number) => (at < start + 59_000 ? [] : at < start + 60_000 ? [at, at, at] : [at])
  for (const everyMs of [7, 13, 70, 333, 599]) {
    const store = memoryLimitStore(10)
    const passed: number[] = []
    for (let at = start; at < start + 240_000; at += everyMs)
      for (const knock of bursts(at)) if (store.take(policy, 'a', knock).allowed) passed.push(knock)
    let from = 0
    for (const [index, at] of passed.entries()) {
      while (passed[from]! <= at - policy.windowMs) from++
      assert.ok(index - from + 1 <= policy.requests, `at ${at - start}, one per ${everyMs} ms`)
    }
    assert.ok(passed.length >= 300, `${passed.length} passed`)
  }
})

test('who keeps just within the limit is never refused', () => {
  const store = memoryLimitStore(10)
  for (let i = 0; i < 500; i++) assert.equal(store.take(policy, 'a', start + i * 600).allowed, true, `${i}`)
})

test('refused requests are not counted: who goes on knocking still gets in', () => {
  const store = memoryLimitStore(10)
  for (let i = 0; i < 1_000; i++) store.take(policy, 'a', start)
  for (let at = start; at < start + 60_000; at += 1_000) assert.equal(store.take(policy, 'a', at).allowed, false)
  assert.equal(store.take(policy, 'a', start + 60_000).allowed, true)
})

test('a limit lowered at run time holds at once, and names a wait that is long enough', () => {
  const store = memoryLimitStore(10)
  for (let i = 0; i < 50; i++) store.take(policy, 'a', start + i * 1_000)
  const lowered = { ...policy, requests: 10 }
  const refused = store.take(lowered, 'a', start + 50_000)
  assert.equal(refused.allowed, false)
  assert.equal(store.take(lowered, 'a', start + 50_000 + (refused.resetSeconds - 1) * 1_000).allowed, false)
  assert.equal(store.take(lowered, 'a', start + 50_000 + refused.resetSeconds * 1_000).allowed, true)
})

test('keys are bounded and silent ones forgotten; a clock that steps back does not open the gate', () => {
  const store = memoryLimitStore(2)
  const once = { name: 'x', requests: 1, windowMs: 1_000 }
  assert.equal(store.take(once, 'a', 5_000).allowed, true)
  assert.equal(store.take(once, 'a', 4_000).allowed, false)
  store.take(once, 'b', 5_000)
  store.take(once, 'c', 5_000)
  assert.equal(store.take(once, 'a', 5_000).allowed, true)
  assert.equal(store.take(once, 'c', 5_999).allowed, false)
  assert.equal(store.take(once, 'c', 6_000).allowed, true)
})

test('the headers say policy, rest and time', () => {
  assert.deepEqual(limitHeaders(policy, { allowed: true, remaining: 7, resetSeconds: 30 }), [
    'ratelimit-policy',
    '"user";q=100;w=60',
    'ratelimit',
    '"user";r=7;t=30',
  ])
})
