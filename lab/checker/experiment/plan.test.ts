import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  breakableEdges,
  type ExperimentAsked,
  edgeName,
  experimentBounds,
  faultKinds,
  whyRefused,
} from '@svyaz/contracts/fault-lab.ts'
import { topology } from '@svyaz/system/topology'
import { nameOf } from '../nemesis.ts'
import { breakable, faultOf, planOf } from './plan.ts'

const asked: ExperimentAsked = {
  seed: 7,
  seconds: 30,
  faults: 12,
  kinds: faultKinds,
  targets: breakable(topology),
  edges: ['payments → payment-processor'],
  ordersPerSecond: 2,
}

test('the same seed gives the same plan, another one another', () => {
  assert.deepEqual(planOf(asked, topology), planOf(asked, topology))
  assert.notDeepEqual(planOf(asked, topology), planOf({ ...asked, seed: 8 }, topology))
})

test('a plan keeps its bounds: as many as asked, in order and in time, of the targets and kinds alone', () => {
  const chosen = { ...asked, kinds: ['kill', 'pause'], targets: ['payments'] } as const
  for (let seed = 0; seed < 50; seed++) {
    const plan = planOf({ ...chosen, seed }, topology)
    assert.equal(plan.length, asked.faults, `seed ${seed}`)
    assert.deepEqual(
      plan,
      plan.toSorted((a, b) => a.atMs - b.atMs),
      `seed ${seed}`,
    )
    assert.ok(
      plan.every(({ atMs }) => atMs >= 0 && atMs <= 30_000),
      `seed ${seed}`,
    )
    assert.ok(
      plan.every(({ target }) => ['payments-1', 'payments-2'].includes(target)),
      `seed ${seed}`,
    )
    assert.ok(
      plan.every(({ kind }) => chosen.kinds.some((one) => one === kind)),
      `seed ${seed}`,
    )
  }
})

test('every kind is one that the nemesis carries out, and what breaks the processor is never a kill of it', () => {
  const names = faultKinds.map((kind) => {
    const [planned] = planOf({ ...asked, kinds: [kind], faults: 1 }, topology)
    const fault = faultOf(planned!, 'x')
    assert.equal(fault.target, planned!.target.replace(/^.* → /, ''))
    return nameOf(fault)
  })
  assert.deepEqual(
    names.map((name) => name.replace(/^(poison) .*/, '$1')),
    [
      'kill',
      'pause',
      'stop',
      'restart',
      'processor hang',
      'processor error500 after',
      'processor unavailable',
      'poison',
    ],
  )
  assert.ok(!breakable(topology).includes('payment-processor') && !breakable(topology).includes('console'))
})

test('every edge is broken in each of its ways, at its far end', () => {
  const names = breakableEdges.flatMap((edge) =>
    edge.kinds.map((kind) => {
      const [planned] = planOf({ ...asked, kinds: [kind], edges: [edgeName(edge)], faults: 1 }, topology)
      assert.equal(planned?.target, edgeName(edge))
      const fault = faultOf(planned!, 'x')
      return `${kind} ${edgeName(edge)}: ${nameOf(fault)} of ${fault.target}`
    }),
  )
  assert.deepEqual(names.slice(0, 8), [
    'delay payments → payment-processor: processor hang of payment-processor',
    'error payments → payment-processor: processor error500 after of payment-processor',
    'cut payments → payment-processor: processor unavailable of payment-processor',
    'delay notifications → mail-sink: mails slow of mail-sink',
    'error notifications → mail-sink: mails refuse of mail-sink',
    'cut notifications → mail-sink: mails lost-reply of mail-sink',
    'delay users → postgres: locked of users',
    'cut users → postgres: severed of users',
  ])
})

test('a kind falls only on edges that know it, and what can’t be is refused', () => {
  const mixed = { ...asked, kinds: ['error'], edges: ['orders → postgres', 'notifications → mail-sink'] } as const
  for (let seed = 0; seed < 20; seed++)
    assert.ok(planOf({ ...mixed, seed }, topology).every(({ target }) => target === 'notifications → mail-sink'))
  const refusal = (more: Partial<ExperimentAsked>) => whyRefused({ ...asked, ...more }, breakable(topology))
  assert.match(refusal({ kinds: ['cut'], edges: [] }) ?? '', /no edge was chosen on which cut/)
  assert.match(refusal({ kinds: ['error'], edges: ['orders → postgres'] }) ?? '', /on which error/)
  assert.match(refusal({ edges: ['orders → inventory'] }) ?? '', /orders → inventory can't be broken/)
  assert.equal(refusal({ kinds: ['kill'], edges: [] }), undefined)
})

test('what is beyond the bounds is refused, with the reason', () => {
  const refusal = (more: Partial<ExperimentAsked>) => whyRefused({ ...asked, ...more }, breakable(topology))
  assert.equal(refusal({}), undefined)
  assert.match(refusal({ seconds: experimentBounds.secondsMax + 1 }) ?? '', /5 to 120 seconds/)
  assert.match(refusal({ faults: 13 }) ?? '', /1 to 12 faults/)
  assert.match(refusal({ seed: Number.NaN }) ?? '', /seed/)
  assert.match(refusal({ kinds: [] }) ?? '', /no kind/)
  assert.match(refusal({ targets: ['console'] }) ?? '', /console may not be broken/)
  assert.match(refusal({ targets: [] }) ?? '', /no process/)
  assert.equal(refusal({ targets: [], kinds: ['poison', 'cut'] }), undefined)
})
