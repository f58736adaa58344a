import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phasesOf, stepsOf, windowsOf } from './figures.ts'
import { beyond, type Profile, profiles } from './profiles.ts'
import { verdictOf } from './run.ts'
import { scenarios } from './scenarios.ts'
import type { Row } from './traveller.ts'

const row = (dueMs: number, tookMs: number, status = 200, step = 'products'): Row => [
  step,
  dueMs,
  tookMs,
  status,
  status === 200,
]

test('requests belong to the window that they were due in, and errors have no share in the times', () => {
  const rows = [row(0, 10), row(4_999, 30), row(5_000, 20), row(5_001, 9_000, 503), row(6_000, 1, -1, 'skipped')]
  assert.deepEqual(
    windowsOf(rows, 5).map(({ fromSecond, count, errors, skipped, p50Ms, maxMs }) => [
      fromSecond,
      count,
      errors,
      skipped,
      p50Ms,
      maxMs,
    ]),
    [
      [0, 2, 0, 0, 10, 30],
      [5, 2, 1, 1, 20, 20],
    ],
  )
})

test('what lasts as long as an order is a step of its own and no request', () => {
  const rows = [row(0, 10), row(0, 4_000, 200, 'frame order.paid'), row(1, 4_000, 0, 'follow to the end')]
  assert.equal(windowsOf(rows, 5)[0]?.maxMs, 10)
  assert.deepEqual(
    stepsOf(rows, 5).map(({ step, errorsBy }) => [step, errorsBy]),
    [
      ['products', {}],
      ['frame order.paid', {}],
      ['follow to the end', { 0: 1 }],
    ],
  )
})

test('a phase is carried with at most 1 % errors, nothing skipped and a p99 of a second at most', () => {
  const phases = [1, 2, 3, 4].map((perSecond) => ({ seconds: 1, perSecond }))
  const hundred = (second: number, last: Row) => [
    ...Array.from({ length: 99 }, (_, n) => row(second * 1_000 + n, 10)),
    last,
  ]
  const rows = [
    ...hundred(0, row(500, 10, 500)),
    ...[...hundred(1, row(1_500, 10, 500)), row(1_600, 10, 500)],
    ...[...hundred(2, row(2_500, 1_001)), row(2_501, 1_001)],
    ...hundred(3, row(3_500, 0, -1, 'skipped')),
  ]
  const figures = phasesOf(rows, phases)
  assert.deepEqual(
    figures.map(({ carried }) => carried),
    [true, false, false, false],
  )
  assert.deepEqual(verdictOf('stress', figures, [], []), { good: true, verdict: 'carried up to 1 journeys a second' })
  assert.equal(verdictOf('stress', figures.slice(1), [], []).good, false)
})

test('a load is good when nearly all succeeded, nothing was skipped and no level was missed', () => {
  const steps = stepsOf(
    Array.from({ length: 100 }, () => row(0, 10)),
    1,
  )
  const judge = (level: 'met' | 'missed' | 'no data', skipped = 0) =>
    verdictOf(
      'levels',
      phasesOf(Array(skipped).fill(row(0, 0, -1, 'skipped')), [{ seconds: 1, perSecond: 1 }]),
      steps,
      [{ id: 'cpu', verdict: level }],
    )
  assert.deepEqual(judge('no data'), { good: true, verdict: 'served' })
  assert.deepEqual(judge('missed'), { good: false, verdict: 'missed: cpu' })
  assert.deepEqual(judge('met', 2), { good: false, verdict: '2 journeys were skipped' })
  assert.deepEqual(verdictOf('smoke', [], [], []), { good: false, verdict: 'nothing was done' })
})

test('every profile is within the bounds by itself, and what is beyond them is refused with the reason', () => {
  for (const { phases, rate, minutes } of Object.values<Profile>(profiles))
    assert.equal(beyond(phases(rate, minutes)), undefined)
  assert.match(beyond(profiles.spike.phases(51)) ?? '', /510 journeys a second; at most 500/)
  assert.match(beyond(profiles.soak.phases(1, 241)) ?? '', /14460 s; at most 14400/)
  assert.match(beyond(profiles.soak.phases(100, 100)) ?? '', /600000 journeys; at most 500000/)
})

test('scenarios are data: JSON keeps them, and what a step fills in was kept by an earlier one', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(scenarios)), scenarios)
  for (const { name, steps } of scenarios) {
    const kept = new Set(['product', 'key'])
    for (const step of steps) {
      for (const [, wanted = ''] of JSON.stringify(step).matchAll(/\{(\w+)\}/g))
        assert.ok(kept.has(wanted), `${name}, ${step.name}: ${wanted}`)
      for (const key of Object.keys(step.keep ?? {})) kept.add(key)
    }
  }
})
