import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '@svyaz/observe/until.ts'
import { atRest, BreakAndMend, Mending, next, type Sequence, type SequenceEvent, type Step } from './sequence.ts'

/** The steps that a row of events leads to. */
function course(...events: SequenceEvent[]): (Step | undefined)[] {
  let now: Sequence = atRest
  return events.map((event) => {
    const { after, step } = next(now, event)
    now = after
    return step
  })
}

describe('the sequence of breaking and mending', () => {
  test('without a fault on its way everything is mended at once; after that none begins', () => {
    assert.deepEqual(course('begin', 'began', 'mend', 'begin'), ['let begin', undefined, 'mend', 'refuse'])
  })

  test('mending waits for a fault that is on its way, and for no new one', () => {
    assert.deepEqual(course('begin', 'mend', 'begin', 'began'), ['let begin', 'wait', 'refuse', 'mend'])
  })

  test('of several on their way the last to arrive lets it be mended', () => {
    assert.deepEqual(course('begin', 'begin', 'mend', 'began', 'began').slice(2), ['wait', undefined, 'mend'])
  })

  test('one that takes too long is not waited for, and mended again when it arrives', () => {
    assert.deepEqual(course('begin', 'mend', 'patience over', 'began'), ['let begin', 'wait', 'mend', 'mend'])
    assert.deepEqual(course('patience over', 'begin'), [undefined, 'let begin'])
  })

  test('asked twice it mends twice, and still refuses', () => {
    assert.deepEqual(course('mend', 'mend', 'begin'), ['mend', 'mend', 'refuse'])
  })

  test('whatever the order, the last thing that happens to a broken part is that it is mended', () => {
    const events: SequenceEvent[] = ['begin', 'mend', 'patience over', 'began']
    for (const order of permutations(events)) {
      let now: Sequence = atRest
      let broken = false
      for (const event of order) {
        // A fault that was refused doesn't arrive.
        if (event === 'began' && now.beginning === 0) continue
        const { after, step } = next(now, event)
        now = after
        if (event === 'began') broken = true
        if (step === 'mend') broken = false
      }
      assert.equal(broken, false, order.join(', '))
      assert.equal(next(now, 'begin').step, 'refuse')
    }
  })
})

const permutations = <T>(values: readonly T[]): T[][] =>
  values.length === 0
    ? [[]]
    : values.flatMap((value, at) => permutations(values.toSpliced(at, 1)).map((rest) => [value, ...rest]))

describe('carried out', () => {
  const tracked = (sequence: BreakAndMend) => {
    const done: string[] = []
    const arriving = Promise.withResolvers<void>()
    const fault = () =>
      sequence.begin(async () => {
        done.push('on its way')
        await arriving.promise
        done.push('broken')
      })
    const mend = () =>
      sequence.mend(async () => {
        done.push('mended')
      })
    return { done, arriving, fault, mend }
  }

  test('a fault that is just being injected is mended after it has arrived', async () => {
    const { done, arriving, fault, mend } = tracked(new BreakAndMend())
    const begun = fault()
    const mended = mend()
    await assert.rejects(fault(), Mending)
    arriving.resolve()
    await Promise.all([begun, mended])
    assert.deepEqual(done, ['on its way', 'broken', 'mended'])
  })

  test('one that fails to arrive is not waited for', async () => {
    const { done, arriving, fault, mend } = tracked(new BreakAndMend())
    const begun = fault()
    const mended = mend()
    arriving.reject(new Error('no such instance'))
    await assert.rejects(begun, /no such instance/)
    await mended
    assert.deepEqual(done, ['on its way', 'mended'])
  })

  const impatient = { beforeMs: 0, afterMs: 60_000 }

  test('one that arrives after patience was over is mended again, and mending isn’t over before', async () => {
    const { done, arriving, fault, mend } = tracked(new BreakAndMend(impatient))
    const begun = fault()
    const mended = mend().then(() => done.push('over'))
    await until('mending without it', () => done.includes('mended'))
    arriving.resolve()
    await Promise.all([begun, mended])
    assert.deepEqual(done, ['on its way', 'mended', 'broken', 'mended', 'over'])
  })

  test('one that fails to arrive, late, ends the mending too', async () => {
    const { done, arriving, fault, mend } = tracked(new BreakAndMend(impatient))
    const begun = assert.rejects(fault(), /no such instance/)
    const mended = mend()
    await until('mending without it', () => done.includes('mended'))
    arriving.reject(new Error('no such instance'))
    await Promise.all([begun, mended])
    assert.equal(done.at(-1), 'mended')
  })

  test('one that never arrives keeps nobody waiting for ever', async () => {
    const { done, fault, mend } = tracked(new BreakAndMend({ beforeMs: 0, afterMs: 0 }))
    void fault()
    await mend()
    assert.deepEqual(done, ['on its way', 'mended'])
  })
})
