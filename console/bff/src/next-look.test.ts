import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderStatuses } from '@svyaz/contracts/http/order-terms.ts'
import { limits } from './limits.ts'
import { lookDelayMs, nextLook, nextTraceRound, traceWaitMs } from './next-look.ts'

test('news while it was read bring another look, whatever the status', () => {
  for (const status of orderStatuses)
    assert.equal(nextLook({ status, heardMeanwhile: true, settled: true }), 'soon', status)
})

test('a finished order is looked at again, late, and then left alone', () => {
  for (const status of ['completed', 'rejected', 'cancelled'] as const) {
    assert.equal(nextLook({ status, heardMeanwhile: false, settled: false }), 'late')
    assert.equal(nextLook({ status, heardMeanwhile: false, settled: true }), undefined)
  }
})

test('an order under way is looked at when something is heard of it', () => {
  assert.equal(nextLook({ status: 'paid', heardMeanwhile: false, settled: false }), undefined)
})

test('the nearer the limit of the gateway, the longer news are gathered; what is kept back is not used up by looks', () => {
  const { requestsKeptBack, requestsAmple, storyDebounceMs, storyDebounceSlowMs } = limits
  const ample = requestsKeptBack + requestsAmple
  assert.deepEqual([100, ample + 1, ample, requestsKeptBack + 1, requestsKeptBack, 0].map(lookDelayMs), [
    storyDebounceMs,
    storyDebounceMs,
    storyDebounceMs * 5,
    storyDebounceMs * 5,
    storyDebounceSlowMs,
    storyDebounceSlowMs,
  ])
})

test('a trace is looked at until it has not grown for all of the waits', () => {
  const waits = (grows: (look: number) => boolean) => {
    const found: number[] = []
    for (let round = 0, look = 0; traceWaitMs(round) !== undefined; round = nextTraceRound(round, grows(look++)))
      found.push(traceWaitMs(round)!)
    return found
  }
  const [soon, later, ...last] = [limits.traceDebounceMs, ...limits.traceSettleMs]
  assert.deepEqual(
    waits(() => false),
    [soon, later, ...last],
  )
  assert.deepEqual(
    waits((look) => look < 3),
    [soon, later, later, later, ...last],
    'a growing one begins the waits again',
  )
})
