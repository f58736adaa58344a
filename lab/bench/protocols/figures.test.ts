import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figuresOf, spread } from './figures.ts'
import { dueAfterNs, openLoop } from './open-loop.ts'

test('quantiles are nearest ranks, in µs', () => {
  const samples = Array.from({ length: 100 }, (_, n) => (100 - n) * 1_000)
  assert.deepEqual(figuresOf(samples), { count: 100, p50: 50, p90: 90, p99: 99, max: 100 })
})

test('the spread of rounds: median, least, greatest', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
  assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 })
})

test('calls are due evenly, and a slow answer delays no other', async () => {
  assert.deepEqual(
    [0, 1, 500].map((index) => dueAfterNs(index, 500)),
    [0n, 2_000_000n, 1_000_000_000n],
  )
  const first = Promise.withResolvers<void>()
  let calls = 0
  const { latencies, failed } = await openLoop(
    () => {
      calls += 1
      if (calls === 20) first.resolve()
      return calls === 1 ? first.promise : calls === 2 ? Promise.reject(new Error('no')) : Promise.resolve()
    },
    { perSecond: 2_000, seconds: 0.01 },
  )
  assert.equal(calls, 20)
  assert.equal(latencies.length, 19, 'the slow one is answered when the last was sent')
  assert.equal(failed, 1)
})
