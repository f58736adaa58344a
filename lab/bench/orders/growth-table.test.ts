import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GrowthRun, growthTables } from './growth-table.ts'

const run = (more: Partial<GrowthRun>): GrowthRun => ({
  axis: 'stored',
  at: 1_000,
  remark: '',
  round: 1,
  seconds: 10,
  accepted: 100,
  refused: 0,
  refusedBy: {},
  unfinished: 0,
  acceptedPerSecond: 10,
  completedPerSecond: 10,
  postMs: [10, 20],
  completedMs: [500, 900],
  cpuMsPerOrder: { 'orders-1': 20, postgres: 5 },
  restMsPerSecond: {},
  load: 0,
  ...more,
})

const rowsOf = (text: string) =>
  text.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

test('each size is told beside the least of its axis, smallest first', () => {
  const dear = { cpuMsPerOrder: { 'orders-1': 20, postgres: 30 } }
  const [head, , small, large] = rowsOf(
    growthTables([
      run({ at: 1_000_000, ...dear, refused: 2 }),
      run({ at: 1_000, remark: '1,006 orders' }),
      run({ at: 1_000_000, round: 2, ...dear }),
    ]),
  )
  const at = (name: string) => head!.indexOf(name)
  assert.deepEqual([small![0], small![1], small!.at(-1)], ['1,000', '1,006 orders', '1.00'])
  assert.deepEqual([large![0], large!.at(-1)], ['1,000,000', '2.00'])
  assert.equal(large![at('of it PostgreSQL')], '30.0')
  assert.equal(large![at('refused, unfinished')], '2, 0')
})

test('an axis that was not measured has no table', () => {
  const tables = growthTables([run({ axis: 'instances', at: 1 }), run({ axis: 'cores', at: 2 })]).split('\n\n')
  assert.deepEqual(
    tables.map((table) => rowsOf(table)[0]![0]),
    ['Cores', 'Instances of each service'],
  )
})
