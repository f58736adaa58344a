import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Durations } from './durations.ts'

test('a quantile is within 10 % of the truth, over seven decades', () => {
  for (let ms = 0.02; ms < 3_600_000; ms *= 1.37) {
    const durations = new Durations()
    durations.add(ms)
    const read = durations.quantile(0.5)
    assert.ok(Math.abs(read / ms - 1) <= 0.1, `${read} for ${ms}`)
  }
})

test('quantiles follow the order of what was counted, whatever order it came in', () => {
  const durations = new Durations()
  for (const ms of [500, 1, 20, 1, 3]) durations.add(ms, 20)
  const near = (share: number, ms: number) => assert.ok(Math.abs(durations.quantile(share) / ms - 1) <= 0.1)
  near(0.5, 3)
  near(0.9, 500)
  near(0.3, 1)
})

test('two counts add up', () => {
  const [a, b, both] = [new Durations(), new Durations(), new Durations()]
  for (const ms of [1, 2, 900]) {
    a.add(ms)
    both.add(ms)
  }
  for (const ms of [0.001, 40]) {
    b.add(ms)
    both.add(ms)
  }
  a.merge(b)
  for (const share of [0.1, 0.3, 0.5, 0.9]) assert.equal(a.quantile(share), both.quantile(share))
  assert.equal(new Durations().quantile(0.9), 0)
})
