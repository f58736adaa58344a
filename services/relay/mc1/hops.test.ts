import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMicros } from '../message.ts'
import { createHopRing, hopsOf, percentile } from './hops.ts'

const start = 1_790_000_000_000_000
const message = (offsets: [number, number, number, number]) => {
  const [mc1, mc2, mc3, end] = offsets.map((offset) => formatMicros(start + offset))
  return { id: 1, session_id: 1, MC1_timestamp: mc1!, MC2_timestamp: mc2!, MC3_timestamp: mc3!, end_timestamp: end! }
}

test('hops are the time between the stamps, in µs', () => {
  assert.deepEqual(hopsOf(message([0, 100, 900, 1_000])), [100, 800, 100, 1_000])
  assert.equal(hopsOf({ ...message([0, 1, 2, 3]), end_timestamp: null }), undefined)
})

test('the nearest rank', () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2)
  assert.equal(percentile([5], 0.99), 5)
  assert.equal(percentile([], 0.5), 0)
})

test('the ring shows the latest only, each by itself too', () => {
  const ring = createHopRing(2)
  assert.equal(ring.read(), null)
  assert.deepEqual([ring.spread(), ring.latest(5)], [null, []])
  for (const [id, total] of [900, 10, 20].entries()) ring.add(id, [1, 2, 3, total], 7 + id)
  assert.deepEqual(ring.read(), {
    mc1ToMc2: { p50: 1, p99: 1 },
    mc2ToMc3: { p50: 2, p99: 2 },
    mc3ToMc1: { p50: 3, p99: 3 },
    total: { p50: 10, p99: 20 },
  })
  assert.deepEqual(ring.spread()?.total, { p50: 10, p99: 20, last: 20 })
  assert.deepEqual(ring.spread()?.commit, { p50: 8, p99: 9, last: 9 })
  assert.deepEqual(ring.latest(5), [
    { id: 2, mc1ToMc2: 1, mc2ToMc3: 2, mc3ToMc1: 3, total: 20, commit: 9 },
    { id: 1, mc1ToMc2: 1, mc2ToMc3: 2, mc3ToMc1: 3, total: 10, commit: 8 },
  ])
})
