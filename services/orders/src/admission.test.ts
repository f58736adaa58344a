import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { Admission } from './admission.ts'
import { limits } from './config.ts'

const bench = () => {
  const asked: { madeBeforeMs: number; max: number }[] = []
  const state = { now: 0, underWay: 0 }
  const store = {
    underWay: async (bounds: { madeBeforeMs: number; max: number }) => {
      asked.push(bounds)
      return state.underWay
    },
  }
  const admission = new Admission(store, { now: () => 1_000_000 + state.now, monotonic: () => state.now })
  const letIn = (max = 3) => admission.letIn({ max, changeWindowMs: 0 })
  const refused = (error: unknown) =>
    error instanceof Failure &&
    error.status === 503 &&
    error.retryAfterSeconds === limits.retryWhenFullSeconds &&
    /3 orders are under way/.test(error.detail)
  return { asked, state, admission, letIn, refused }
}

test('lets in up to the limit between two counts, then refuses with the time to wait', async () => {
  const { asked, state, letIn, refused } = bench()
  state.underWay = 1
  const [first] = await Promise.all([letIn(), letIn()])
  await assert.rejects(letIn(), refused)
  first?.[Symbol.dispose]()
  await assert.rejects(letIn(), refused, 'it is placed, and under way now')
  assert.equal(asked.length, 1, 'those of one moment share a count')
})

test('takes orders again once fewer are under way, and no sooner', async () => {
  const { asked, state, letIn, refused } = bench()
  state.underWay = 3
  await assert.rejects(letIn(), refused)
  state.underWay = 2
  state.now = limits.underWayCountedEveryMs - 1
  await assert.rejects(letIn(), refused)
  state.now = limits.underWayCountedEveryMs
  await letIn()
  await assert.rejects(letIn(), refused)
  assert.equal(asked.length, 2)
})

test('what is still being placed counts though the store does not know of it', async () => {
  const { state, letIn, refused } = bench()
  const placing = await Promise.all([letIn(), letIn(), letIn()])
  state.now = limits.underWayCountedEveryMs
  await assert.rejects(letIn(), refused)
  for (const one of placing) one[Symbol.dispose]()
  state.now = 2 * limits.underWayCountedEveryMs
  await letIn()
})

test('orders that may still be changed do not count until their window is over', async () => {
  const { asked, admission } = bench()
  await admission.letIn({ max: 3, changeWindowMs: 60_000 })
  assert.deepEqual(asked, [{ madeBeforeMs: 940_000, max: 3 }])
})
