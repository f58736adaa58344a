import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMicros } from '../message.ts'
import { createHopRing, hopsOf, percentile } from './hops.ts'

const start = 1_790_000_000_000_000
const message = (offsets: [number, number, number, number]) => {
  const [mc1, mc2, mc3, end] = offsets.map((offset) => formatMicros(start + offset))
  return { id: 1, session_id: 1, MC1_timestamp: mc1!, MC2_timestamp: mc2!, MC3_timestamp: mc3!, end_timestamp: end! }
}

test('hops are what lies between the stamps, in µs', () => {
  assert.deepEqual(hopsOf(message([0, 100, 900, 1_000])), [100, 800, 100, 1_000])
  assert.equal(hopsOf({ ...message([0, 1, 2, 3]), end_timestamp: null }), undefined)
})

test('the nearest rank', () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2)
  assert.equal(percentile([5], 0.99), 5)
  assert.equal(percentile([], 0.5), 0)
})

test('the ring tells of the latest only', () => {
  const ring = createHopRing(2)
  assert.equal(ring.read(), null)
  for (const total of [900, 10, 20]) ring.add([1, 2, 3, total])
  assert.deepEqual(ring.read()?.total, { p50: 10, p99: 20 })
})
