import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultState, hit, noFault } from './faults.ts'

test('a provider that is well hits nothing', () => {
  assert.deepEqual(hit(noFault, 0), { hit: false, state: noFault })
})

test('after count hits the provider is well again', () => {
  let state: FaultState = { mode: 'refuse', count: 2, fired: 0 }
  const hits = [0, 0, 0, 0].map(() => {
    const drawn = hit(state, 0.9)
    state = drawn.state
    return drawn.hit
  })
  assert.deepEqual(hits, [true, true, false, false])
  assert.equal(state.fired, 2)
})

test('a probability is compared with the number drawn', () => {
  const state: FaultState = { mode: 'slow', probability: 0.25, fired: 0 }
  assert.equal(hit(state, 0.2499).hit, true)
  assert.equal(hit(state, 0.25).hit, false)
})
