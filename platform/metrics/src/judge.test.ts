import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeLevel, judgeSeries, worstOf } from './judge.ts'
import { lookSource } from './looks.ts'

const level = {
  id: 'errors',
  objective: { at: 'most', value: 0.01 },
  expression: '(sum(increase(r{s="503"}[$window])) or vector(0)) / sum(increase(r[$window]))',
  samples: 'sum(increase(r[$window]))',
  samplesMin: 100,
  by: [],
  window: '5m',
} as const

const judged = (good: number, bad: number) => {
  const page = (a: number, b: number) => ({ target: {}, page: `r{s="200"} ${a}\nr{s="503"} ${b}\n` })
  const looks = [
    { atMs: 0, pages: [page(0, 0)] },
    { atMs: 10_000, pages: [page(good, bad)] },
  ]
  return judgeSeries(level, lookSource(looks), 10_000, '10001ms')
}

test('too few samples give no verdict, however good', () => {
  assert.deepEqual(
    judged(99, 0).map(({ verdict }) => verdict),
    ['no data'],
  )
})

test('within the objective it is met, beyond it missed', () => {
  assert.equal(judged(990, 10)[0]?.verdict, 'met')
  assert.equal(judged(980, 20)[0]?.verdict, 'missed')
})

test('few are not a failure where nothing is turned away', () => {
  const throughput = {
    ...level,
    objective: { at: 'least', value: 1_000 },
    expression: 'sum(rate(r{s="200"}[$window]))',
    brokenWhen: 'sum(rate(r{s="200"}[$window])) < 1000 and sum(increase(r{s="503"}[$window])) > 0',
  } as const
  const verdict = (good: number, shed: number) => {
    const page = (a: number, b: number) => ({ target: {}, page: `r{s="200"} ${a}\nr{s="503"} ${b}\n` })
    const looks = [
      { atMs: 0, pages: [page(0, 0)] },
      { atMs: 10_000, pages: [page(good, shed)] },
    ]
    return judgeSeries(throughput, lookSource(looks), 10_000, '10001ms')[0]?.verdict
  }
  assert.deepEqual([verdict(200, 0), verdict(200, 5), verdict(20_000, 5)], ['no data', 'missed', 'met'])
})

test('nothing that was measured is not a zero', () => {
  assert.deepEqual(judgeSeries(level, lookSource([]), 10_000), [])
  for (const value of [undefined, Number.NaN]) assert.equal(judgeLevel(level, value, 1_000), 'no data')
  assert.equal(judgeLevel(level, 0, Number.NaN), 'no data')
})

test('of several the worst counts, and silence proves nothing', () => {
  assert.equal(worstOf(['met', 'no data', 'missed']), 'missed')
  assert.equal(worstOf(['no data', 'met']), 'met')
  assert.equal(worstOf(['no data']), 'no data')
  assert.equal(worstOf([]), 'no data')
})
