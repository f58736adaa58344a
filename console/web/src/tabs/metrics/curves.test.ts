import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesOf, linesMax, niceAbove } from './curves.ts'

const range = (series: { labels: Record<string, string>; points: [number, number | null][] }[]) => ({
  fromMs: 0,
  toMs: 1_000,
  stepMs: 500,
  series,
})

test('the top of the box is a round number, not below the highest point', () => {
  assert.deepEqual(
    [0, 0.07, 1, 1.2, 3, 7, 99, 100].map((value) => Number(niceAbove(value).toPrecision(3))),
    [1, 0.1, 1, 2, 5, 10, 100, 100],
  )
})

test('a line has a gap where there was no number, and ends at its last', () => {
  const series = [
    {
      labels: { service: 'orders' },
      points: [
        [0, 1],
        [250, null],
        [500, 2],
        [1_000, 0.5],
      ] as [number, number | null][],
    },
  ]
  const { lines, top } = curvesOf(range(series), ['service'])
  assert.equal(top, 2)
  assert.deepEqual(lines, [{ name: 'orders', path: 'M0.0 50.00M500.0 0.00L1000.0 75.00', last: 0.5, peak: 2 }])
})

test('the largest are drawn, and how many were left out is known', () => {
  const series = Array.from({ length: linesMax + 3 }, (_, at) => ({
    labels: { group: `g${at}`, topic: 't' },
    points: [[0, at]] as [number, number | null][],
  }))
  const { lines, left } = curvesOf(range(series), ['group', 'topic'])
  assert.equal(left, 3)
  assert.equal(lines.length, linesMax)
  assert.equal(lines[0]?.name, `g${linesMax + 2} ← t`)
})
