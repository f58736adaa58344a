import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keep, type Process, type ProcessChange } from '../../protocol.ts'
import { keptOf, ProcessPast } from './process-past.ts'

const process = (name: string, status: Process['status'], pid?: number): Process => ({
  name,
  service: name.replace(/-\d+$/, ''),
  kind: 'service',
  status,
  ...(pid === undefined ? {} : { pid }),
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
})
const folder = () => mkdtempSync(join(tmpdir(), 'svyaz-processes-'))
const told = (changes: readonly ProcessChange[]) =>
  changes.map(({ name, process: is }) => `${name} ${is?.status ?? 'taken away'}`)

test('each change is kept with its time, and what says nothing new is not', () => {
  let nowMs = 1_000_000
  const past = new ProcessPast(folder(), () => nowMs)
  past.saw(process('orders-1', 'ready', 10))
  nowMs += 5_000
  past.saw(process('orders-1', 'ready', 10))
  past.saw(process('orders-1', 'backing-off'))
  nowMs += 5_000
  past.saw(process('orders-1', 'ready', 11))
  past.removed('orders-1')
  const { changes } = past.kept
  assert.deepEqual(told(changes), ['orders-1 ready', 'orders-1 backing-off', 'orders-1 ready', 'orders-1 taken away'])
  assert.deepEqual(
    changes.map(({ at }) => Date.parse(at)),
    [1_000_000, 1_005_000, 1_010_000, 1_010_000],
  )
})

test('what is older than the replay reaches is how each process was at its beginning', () => {
  let nowMs = 0
  const past = new ProcessPast(folder(), () => nowMs)
  past.saw(process('orders-1', 'starting', 10))
  past.saw(process('gone-1', 'ready', 20))
  nowMs = 1_000
  past.saw(process('orders-1', 'ready', 10))
  past.removed('gone-1')
  nowMs = keep.pastMs + 60_000
  past.saw(process('orders-1', 'stopped'))
  assert.deepEqual(told(past.kept.changes), ['orders-1 ready', 'orders-1 stopped'])
  assert.equal(past.kept.fromMs, 60_000)
})

test('a console that was killed still knows, and what was taken away meanwhile is gone', () => {
  const directory = folder()
  const first = new ProcessPast(directory, () => 1_000)
  first.saw(process('orders-1', 'ready', 10))
  first.saw(process('orders-2', 'ready', 12))
  first.saw(process('orders-1', 'backing-off'))
  first.saw(process('orders-1', 'ready', 11))
  const second = new ProcessPast(directory, () => 9_000)
  second.saw(process('orders-1', 'ready', 11))
  assert.deepEqual(told(second.kept.changes), [
    'orders-1 ready',
    'orders-2 ready',
    'orders-1 backing-off',
    'orders-1 ready',
    'orders-2 taken away',
  ])
})

test('another run of the system is not the past of this one', () => {
  const directory = folder()
  new ProcessPast(directory, () => 1_000).saw(process('orders-1', 'ready', 10))
  const second = new ProcessPast(directory, () => 9_000)
  second.saw(process('orders-1', 'ready', 99))
  assert.deepEqual(
    second.kept.changes.map(({ at }) => Date.parse(at)),
    [9_000],
  )
})

test('however often processes change, the list has its bound, and says since when it is whole', () => {
  let nowMs = 0
  const past = new ProcessPast(folder(), () => nowMs)
  past.saw(process('steady-1', 'ready', 1))
  for (let turn = 0; turn < 5 * keep.processChanges; turn += 1) {
    nowMs += 1
    past.saw(process('orders-1', turn % 2 === 0 ? 'ready' : 'unready', 10))
  }
  const { fromMs, changes } = past.kept
  assert.ok(changes.length <= keep.processChanges + 2, `${changes.length}`)
  assert.deepEqual(told(changes.slice(0, 1)), ['steady-1 ready'])
  assert.equal(fromMs, 4 * keep.processChanges)
})

test('without any change since, the present state is all there is', () => {
  const changes = [{ at: new Date(5).toISOString(), name: 'a', process: process('a', 'ready', 1) }]
  assert.deepEqual(keptOf(changes, 10, 100), { fromMs: 10, changes })
  assert.deepEqual(keptOf([], 10, 100), { fromMs: 10, changes: [] })
})
