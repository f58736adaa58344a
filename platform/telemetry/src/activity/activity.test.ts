import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleSpan } from '../../test/example-span.ts'
import { Activity } from './activity.ts'
import { edgeTotalsAnswer, windowOf } from './answers.ts'

const hourMs = 3_600_000
const startMs = 1_000 * hourMs
const server = (atMs: number, name: string) => exampleSpan(1, 1, { kind: 'server', name, startMs: atMs - 1 })
const named = (activity: Activity) => Array.from(activity.operations.names(), ({ operation }) => operation)

test('operations and edges that say nothing for an hour are over; those that speak stay', () => {
  const activity = new Activity({ rowsMax: 10, halvesMax: 10 })
  activity.take(server(startMs, 'old'), startMs)
  activity.take(server(startMs, 'lasting'), startMs)
  const laterMs = startMs + hourMs + 60_000
  activity.take(server(laterMs, 'lasting'), laterMs)
  activity.settle(laterMs)
  assert.deepEqual(named(activity), ['lasting'])
  assert.equal(activity.edges.size, 1)
  activity.settle(laterMs + hourMs + 60_000)
  assert.deepEqual([activity.operations.size, activity.edges.size], [0, 0])
})

test('a clock that was an hour and more ahead, or behind, leaves nothing behind', () => {
  const activity = new Activity({ rowsMax: 10, halvesMax: 10 })
  const year2100 = Date.UTC(2100, 0, 1)
  for (const nowMs of [year2100, 0, startMs]) {
    for (let n = 0; n < 1_000; n += 1) activity.take(server(nowMs + n * 10_000, 'one'), nowMs + n * 10_000)
    const cells = [...activity.operations.between(0, Number.POSITIVE_INFINITY)][0]?.cells ?? []
    assert.ok(cells.length < 200, `${cells.length} cells`)
    assert.ok(cells.every(({ atMs }) => Math.abs(atMs - nowMs) < 4 * hourMs))
  }
  activity.take(server(year2100, 'ahead'), startMs)
  assert.equal(activity.spansOutside, 1)
})

test('names are as many as allowed, and as long; more are counted as left out', () => {
  const activity = new Activity({ rowsMax: 10, halvesMax: 10 })
  for (let n = 0; n < 100; n += 1) activity.take(server(startMs, `${n}${'n'.repeat(10_000)}`), startMs)
  assert.deepEqual([activity.operations.size, activity.spansOutside], [10, 90])
  assert.ok(named(activity).every(({ length }) => length <= 200))
})

test('what passed over all edges is counted by ten seconds, for a quarter of an hour and the minute before it', () => {
  const activity = new Activity({ rowsMax: 10, halvesMax: 10 })
  const nowMs = startMs + 1_100_000
  for (const afterMs of [10_000, 25_000, 150_000, 165_000, 169_999, 1_100_000])
    activity.take(server(startMs + afterMs, 'GET /'), startMs + afterMs)
  const { stepMs, totals } = edgeTotalsAnswer(activity, windowOf(nowMs, 3_600))
  assert.equal(stepMs, 10_000)
  assert.deepEqual(
    totals.map(({ atMs, count, errors }) => [atMs - startMs, count, errors]),
    [
      [0, 2, 0],
      [150_000, 1, 0],
      [160_000, 2, 0],
      [1_100_000, 1, 0],
    ],
  )
})
