import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dot, dotsFor, dotsMax, travelMs, withBurst } from './dots.ts'

const burst = (count: number, errors = 0, meanMs = 5, edge = 'a b http') => ({ edge, count, errors, meanMs })
const half = () => 0.5

test('few are drawn one by one, many as some, and more are never fewer', () => {
  assert.deepEqual(
    [0, 1, 2, 4].map((count) => dotsFor(count)),
    [0, 1, 2, 4],
  )
  const drawn = [4, 8, 50, 1_000, 1_000_000].map((count) => dotsFor(count))
  assert.deepEqual(
    drawn,
    drawn.toSorted((a, b) => a - b),
  )
  assert.ok((drawn.at(-1) ?? 0) < 12)
  assert.equal(dotsFor(30, 'service:a database:a sql'), 1)
})

test('what answers late moves slowly, within bounds', () => {
  assert.ok(travelMs(2) < travelMs(20) && travelMs(20) < travelMs(900))
  assert.equal(travelMs(0), travelMs(1))
  assert.equal(travelMs(1e9), travelMs(1_000))
})

test('failures are drawn, however few they are among many', () => {
  const failed = (dots: readonly Dot[]) => dots.filter((dot) => dot.failed).length
  assert.equal(failed(withBurst([], [burst(1_000, 1)], 0, 500, half)), 1)
  assert.equal(failed(withBurst([], [burst(3, 3)], 0, 500, half)), 3)
  assert.equal(failed(withBurst([], [burst(3)], 0, 500, half)), 0)
})

test('dots that have arrived go; there are never more than a page can draw', () => {
  const first = withBurst([], [burst(3)], 0, 500, half)
  assert.ok(first.every(({ startsAtMs }) => startsAtMs >= 0 && startsAtMs <= 500))
  assert.equal(withBurst(first, [], 60_000, 500, half).length, 0)
  let dots: Dot[] = []
  for (let at = 0; at < 500; at += 1) dots = withBurst(dots, [burst(1_000, 0, 1_000, `e${at}`)], at, 500, half)
  assert.equal(dots.length, dotsMax)
})
