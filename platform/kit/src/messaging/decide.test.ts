import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure, permanent, transient } from '../failure.ts'
import { afterFailure, classify, isFor } from './decide.ts'

describe('classify', () => {
  const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' })
  const unique = Object.assign(new Error('duplicate key'), { code: '23505' })
  const cases: [name: string, error: unknown, kind: ReturnType<typeof classify>][] = [
    ['what the handler calls transient', transient('away'), 'transient'],
    ['what the handler calls permanent', permanent('never'), 'permanent'],
    ['a Failure whose row says retry', new Failure('unavailable', 'x'), 'transient'],
    ['an overrun deadline', new Failure('deadline_exceeded', 'x'), 'transient'],
    ['a Failure whose row says no retry', new Failure('not_found', 'x'), 'permanent'],
    ['an internal Failure, which nobody understands', new Failure('internal', 'x'), 'unclassified'],
    ['a deadlock', deadlock, 'transient'],
    ['a broken constraint', unique, 'unclassified'],
    ['a bug', new TypeError('x is undefined'), 'unclassified'],
    ['something that is not an error', 'oops', 'unclassified'],
  ]
  for (const [name, error, kind] of cases) test(`${name} is ${kind}`, () => assert.equal(classify(error), kind))
})

describe('afterFailure', () => {
  test('a transient failure never counts, however often', () => {
    let tries = { counted: 2, waits: 0 }
    for (let n = 1; n <= 1_000; n++) {
      const next = afterFailure('transient', tries, 3, () => 1)
      assert.equal(next.do, 'wait')
      assert.equal(next.tries.counted, 2)
      tries = next.tries
    }
    assert.equal(tries.waits, 1_000)
  })

  test('waits double from 100 ms to 10 s, between half and all of the ceiling', () => {
    const delays = [0, 1, 2, 6, 7, 50].map((waits) => {
      const at = (random: number) => {
        const next = afterFailure('transient', { counted: 0, waits }, 5, () => random)
        assert.equal(next.do, 'wait')
        return next.do === 'wait' ? next.delayMs : Number.NaN
      }
      return [at(0), at(1)]
    })
    assert.deepEqual(delays, [
      [50, 100],
      [100, 200],
      [200, 400],
      [3_200, 6_400],
      [5_000, 10_000],
      [5_000, 10_000],
    ])
  })

  for (const kind of ['permanent', 'unclassified'] as const) {
    test(`${kind} failures count, and the last one gives up`, () => {
      const steps: string[] = []
      let tries = { counted: 0, waits: 0 }
      while (steps.at(-1) !== 'give up') {
        const next = afterFailure(kind, tries, 4, () => 0.5)
        steps.push(next.do)
        tries = next.tries
      }
      assert.deepEqual(steps, ['repeat', 'repeat', 'repeat', 'give up'])
      assert.equal(tries.counted, 4)
    })
  }

  test('one attempt at most gives up at once', () => {
    assert.equal(afterFailure('permanent', { counted: 0, waits: 9 }, 1, () => 0).do, 'give up')
  })
})

test('a record that names a consumer is for that one alone', () => {
  assert.equal(isFor(undefined, 'payments'), true)
  assert.equal(isFor('payments', 'payments'), true)
  assert.equal(isFor('payments', 'delivery'), false)
})
