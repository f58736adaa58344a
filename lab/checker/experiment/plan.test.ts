import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExperimentAsked, experimentBounds, faultKinds, whyRefused } from '@svyaz/contracts/fault-lab.ts'
import { topology } from '@svyaz/system/topology'
import { nameOf } from '../nemesis.ts'
import { breakable, faultOf, planOf } from './plan.ts'

const asked: ExperimentAsked = {
  seed: 7,
  seconds: 30,
  faults: 12,
  kinds: faultKinds,
  targets: breakable(topology),
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
    assert.equal(fault.target, planned!.target)
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
