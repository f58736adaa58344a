import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SaturationRun, saturationFigures, saturationTable } from './saturation-table.ts'

test('rates leave the lead-in out, and a frame is timed from the completed order', () => {
  const figures = saturationFigures(
    {
      startedAtMs: 1_000,
      outcomes: [
        { status: 201, orderId: 'a', dueAtMs: 1_000, postMs: 10, completedMs: 300 },
        { status: 201, orderId: 'b', dueAtMs: 1_900, postMs: 20, completedMs: 200 },
        { status: 201, orderId: 'c', dueAtMs: 2_500, postMs: 600, completedMs: 900 },
        { status: 201, orderId: 'd', dueAtMs: 2_800, postMs: 30 },
        { status: 503, dueAtMs: 2_900, postMs: 4 },
      ],
    },
    { seconds: 2, leadInSeconds: 1 },
    new Map([
      ['a', 1_290],
      ['b', 2_050],
      ['c', 3_385],
    ]),
  )
  assert.deepEqual(figures, {
    offeredPerSecond: 3,
    acceptedPerSecond: 1,
    completedPerSecond: 1,
    refusedBy: { 503: 1 },
    unfinished: 1,
    postMs: [20, 600],
    refusedMs: [4, 4],
    completedMs: [300, 900],
    frameMs: [15, 50],
  })
})

const run = (more: Partial<SaturationRun>): SaturationRun => ({
  share: 1,
  round: 1,
  offeredPerSecond: 30,
  acceptedPerSecond: 29,
  completedPerSecond: 28,
  refusedBy: {},
  unfinished: 0,
  postMs: [20, 40],
  refusedMs: [Number.NaN, Number.NaN],
  completedMs: [500, 900],
  frameMs: [5, 9],
  load: 0,
  ...more,
})

test('each share has a row, least first; other refusals than 503 are told apart', () => {
  const beyond = { share: 2, refusedMs: [3, 8], refusedBy: { 503: 7, 0: 1 } } as const
  const [head, , one, two] = saturationTable([
    run({ ...beyond, completedPerSecond: 27 }),
    run({}),
    run({ ...beyond, round: 2, completedPerSecond: 29 }),
  ])
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const at = (row: readonly string[] | undefined, name: string) => row?.[head!.indexOf(name)]
  assert.deepEqual([at(one, 'offered ÷ carried'), at(one, 'refusal p99, ms')], ['1', '–'])
  assert.deepEqual([at(two, 'refused, 503'), at(two, 'refused otherwise')], ['14', '2'])
  assert.equal(at(two, 'completed/s'), '28.0 (27.0–29.0)')
  assert.equal(at(two, 'refusal p99, ms'), '8 (8–8)')
})
