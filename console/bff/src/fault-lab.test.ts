import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExperimentAsked } from '@svyaz/contracts/fault-lab.ts'
import type { Experiment } from '../../protocol.ts'
import { after, FaultLab } from './fault-lab.ts'

const asked: ExperimentAsked = {
  seed: 1,
  seconds: 5,
  faults: 1,
  kinds: ['kill'],
  targets: ['orders'],
  edges: [],
  ordersPerSecond: 1,
}
const experiment: Experiment = { asked, startedAt: '', running: true, phase: 'preparing', faults: [], outcomes: {} }

test('what an experiment says adds up; a fault’s outcome replaces what was said of it before', () => {
  const said = [
    { type: 'plan', faults: [{ kind: 'kill', target: 'orders-1', atMs: 100 }] },
    { type: 'phase', phase: 'faults' },
    { type: 'fault', index: 0, outcome: { state: 'under way' } },
    { type: 'fault', index: 0, outcome: { state: 'over', fired: true, recoveryMs: 900 } },
    { type: 'counts', counts: { accepted: 3, refused: 1, unanswered: 0 } },
  ] as const
  const seen = said.reduce<Experiment>(after, experiment)
  assert.deepEqual(seen, {
    ...experiment,
    phase: 'faults',
    faults: [{ kind: 'kill', target: 'orders-1', atMs: 100 }],
    outcomes: { 0: { state: 'over', fired: true, recoveryMs: 900 } },
    counts: { accepted: 3, refused: 1, unanswered: 0 },
  })
  assert.equal(after(seen, { type: 'failed', why: 'no' }).failed, 'no')
})

test('without a program nothing is broken; without an experiment there is none to stop', () => {
  using lab = new FaultLab({ program: undefined, home: '/nowhere' })
  assert.throws(() => lab.start(asked, () => ''), { code: 'no_fault_lab' })
  assert.throws(() => lab.stop(), { code: 'conflict' })
  assert.equal(lab.experiment, undefined)
})
