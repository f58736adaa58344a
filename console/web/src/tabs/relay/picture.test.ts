import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RelayNow, RelaySession } from '../../../../protocol.ts'
import { chartBox, chartOf, dotsOf, longest, moodOf, roundUp, sharesOf, travelOf } from './picture.ts'

const now = (session: Partial<RelaySession> | null, linked = true): RelayNow => ({
  session: session as RelaySession | null,
  latestSession: 1,
  linked,
  settings: { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 },
  hops: null,
  latest: [],
})
const nothing = { points: [], sessions: [] }

test('what the loop is doing, in one word', () => {
  assert.equal(moodOf({ state: 'absent', ...nothing }), 'absent')
  assert.equal(moodOf({ state: 'unknown', ...nothing }), 'unknown')
  assert.equal(moodOf({ state: 'away', now: now(null), ...nothing }), 'away')
  assert.equal(moodOf({ state: 'there', now: now(null), ...nothing }), 'ready')
  assert.equal(moodOf({ state: 'there', now: now(null, false), ...nothing }), 'unlinked')
  assert.equal(moodOf({ state: 'there', now: now({ status: 'running' }, false), ...nothing }), 'running')
  assert.equal(moodOf({ state: 'there', now: now({ status: 'stopping' }), ...nothing }), 'stopping')
})

test('shares are of the whole', () => {
  assert.deepEqual(sharesOf({ mc1ToMc2: 1, mc2ToMc3: 2, mc3ToMc1: 1, commit: 4 }), {
    mc1ToMc2: 12.5,
    mc2ToMc3: 25,
    mc3ToMc1: 12.5,
    commit: 50,
  })
  assert.equal(sharesOf({ mc1ToMc2: 0, mc2ToMc3: 0, mc3ToMc1: 0, commit: 0 }).commit, 0)
  assert.equal(longest([]), 1)
})

test('a dot travels longer where a message does, in steps and within bounds', () => {
  assert.deepEqual([0, 300, 310, 900, 5_000, 900_000].map(travelOf), [0.3, 0.3, 0.5, 1.2, 6, 6])
  assert.deepEqual([1, 4, 64, 1_024, 16_384].map(dotsOf), [1, 2, 4, 6, 6])
})

test('the chart ends on a round number above the highest point and spans the interval', () => {
  assert.deepEqual([0, 1, 3, 7, 61, 1_900].map(roundUp), [1, 1, 5, 10, 100, 2_000])
  const chart = chartOf(
    [
      { atSeconds: 1, messagesPerSecond: 1_000 },
      { atSeconds: 2, messagesPerSecond: 1_500 },
    ],
    10,
  )
  assert.deepEqual([chart.most, chart.seconds], [2_000, 10])
  assert.equal(chart.line, 'M0 70.0L60.0 70.0L120.0 35.0')
  assert.ok(chart.area.endsWith(`L120.0 ${chartBox.height}L0 ${chartBox.height}Z`))
  assert.equal(chartOf([], 10).line, '')
})
