import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { afterAnswer, afterPick, chooseInstance, type InstanceLoad, idleLoad } from './balancer.ts'

const policy = { failuresToEject: 3, ejectMs: 100, ejectMsMax: 350 }

/** A seeded generator (mulberry32): the same numbers in every run. */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
const fail = (load: InstanceLoad, now: number, times = 1): InstanceLoad =>
  times === 0 ? load : fail(afterAnswer(afterPick(load), 'failed', now, policy), now, times - 1)

describe('choosing an instance', () => {
  it('has none among none', () => assert.equal(chooseInstance([], 0, seeded(1)), -1))

  it('always compares two different ones: of two, the one with less under way', () => {
    const loads = [
      { ...idleLoad, inFlight: 3 },
      { ...idleLoad, inFlight: 2 },
    ]
    for (let seed = 0; seed < 100; seed++) assert.equal(chooseInstance(loads, 0, seeded(seed)), 1, `seed ${seed}`)
  })

  it('spreads calls that last over all instances', () => {
    const loads = Array.from({ length: 5 }, () => idleLoad)
    const random = seeded(7)
    for (let call = 0; call < 500; call++) {
      const chosen = chooseInstance(loads, 0, random)
      loads[chosen] = afterPick(loads[chosen]!)
    }
    for (const { inFlight } of loads) assert.ok(inFlight >= 90 && inFlight <= 110, String(inFlight))
  })

  it('leaves out what was ejected, until its time is over', () => {
    const loads = [fail(idleLoad, 0, 3), { ...idleLoad, inFlight: 50 }]
    assert.equal(chooseInstance(loads, 99, seeded(1)), 1)
    assert.equal(chooseInstance(loads, 100, seeded(1)), 0)
  })

  it('takes any when all were ejected', () => {
    assert.equal(chooseInstance([fail(idleLoad, 0, 3)], 1, seeded(1)), 0)
  })

  it('rather goes elsewhere just after a failure, and forgets it soon', () => {
    const loads = [fail(idleLoad, 0), idleLoad]
    const choices = (now: number) =>
      new Set(Array.from({ length: 50 }, (_, seed) => chooseInstance(loads, now, seeded(seed))))
    assert.deepEqual([...choices(99)], [1])
    assert.deepEqual([...choices(100)].sort(), [0, 1])
  })
})

describe('ejecting an instance', () => {
  it('takes a run of failures; one success breaks it', () => {
    assert.equal(fail(idleLoad, 0, 2).ejectedUntil, 0)
    const recovered = afterAnswer(afterPick(fail(idleLoad, 0, 2)), 'ok', 0, policy)
    assert.deepEqual(recovered, idleLoad)
    assert.equal(fail(idleLoad, 0, 3).ejectedUntil, 100)
  })

  it('lasts longer each time, up to a limit, after a single failure more', () => {
    let load = fail(idleLoad, 0, 3)
    const ends: number[] = []
    for (let count = 0; count < 4; count++) {
      const now = load.ejectedUntil
      load = fail(load, now)
      ends.push(load.ejectedUntil - now)
    }
    assert.deepEqual(ends, [200, 350, 350, 350])
  })

  it('is not made longer by calls that were under way already', () => {
    const ejected = fail(idleLoad, 0, 3)
    assert.equal(fail(ejected, 50, 5).ejectedUntil, 100)
  })
})
