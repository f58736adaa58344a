import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  admitCall,
  afterCall,
  type BreakerPolicy,
  type BreakerState,
  closedBreaker,
  earnRetry,
  fullJitterMs,
  type Outcome,
  spendRetry,
} from './breaker.ts'
import { callPolicy } from './resilience.ts'

const policy: BreakerPolicy = {
  callsJudgedMax: 10,
  callsJudgedMin: 4,
  failedRatioMax: 0.5,
  openMs: 100,
  openMsMax: 350,
  probesAtOnce: 1,
  probesNeeded: 2,
}

/** One call at `now` that is admitted and ends at once. */
const call = (state: BreakerState, outcome: Outcome, now = 0): BreakerState => {
  const asked = admitCall(state, now, policy)
  assert.notEqual(asked.admission, 'refused', `refused at ${now}`)
  return afterCall(asked.state, asked.admission === 'probe' ? 'probe' : 'call', outcome, now, policy)
}
const calls = (state: BreakerState, outcomes: string, now = 0) =>
  [...outcomes].reduce((before, letter) => call(before, letter === '+' ? 'ok' : 'failed', now), state)
const opened = () => calls(closedBreaker, '----')

describe('a breaker', () => {
  const cases: [string, BreakerState['kind']][] = [
    ['---', 'closed'],
    ['----', 'open'],
    ['++--', 'closed'],
    ['+---', 'open'],
    ['---+', 'closed'],
    ['++++++++++-----', 'closed'],
    ['++++++++++------', 'open'],
  ]
  for (const [outcomes, kind] of cases)
    it(`is ${kind} after ${outcomes}`, () => assert.equal(calls(closedBreaker, outcomes).kind, kind))

  it('does not count what says nothing', () => {
    let state: BreakerState = closedBreaker
    for (let count = 0; count < 20; count++) state = call(state, 'ignored')
    assert.deepEqual(state, closedBreaker)
  })

  it('lets nobody through while it is open, then one probe at a time', () => {
    assert.equal(admitCall(opened(), 99, policy).admission, 'refused')
    const first = admitCall(opened(), 100, policy)
    assert.equal(first.admission, 'probe')
    assert.equal(admitCall(first.state, 100, policy).admission, 'refused')
  })

  it('closes after enough good probes, with a clean record', () => {
    const half = call(opened(), 'ok', 100)
    assert.equal(half.kind, 'half-open')
    assert.deepEqual(call(half, 'ok', 101), closedBreaker)
  })

  it('stays open longer with each failed probe, up to a limit', () => {
    let state = opened()
    let now = 0
    const waits: number[] = []
    for (let count = 0; count < 4; count++) {
      assert.ok(state.kind === 'open')
      waits.push(state.until - now)
      now = state.until
      state = call(state, 'failed', now)
    }
    assert.deepEqual(waits, [100, 200, 350, 350])
  })

  it('gives the place of an ignored probe to the next', () => {
    const half = call(opened(), 'ignored', 100)
    assert.equal(admitCall(half, 100, policy).admission, 'probe')
  })

  it('does not listen to calls from before it opened', () => {
    const half = admitCall(opened(), 100, policy).state
    assert.equal(afterCall(half, 'call', 'failed', 100, policy), half)
    assert.equal(afterCall(opened(), 'call', 'ok', 5, policy).kind, 'open')
  })
})

describe('the retry budget', () => {
  const budget = { perCall: 0.1, savedMax: 2 }
  it('pays for a tenth of the calls in the long run', () => {
    let saved = budget.savedMax
    let repeated = 0
    for (let count = 0; count < 1_000; count++) {
      saved = earnRetry(saved, budget)
      const left = spendRetry(saved)
      if (left !== undefined) repeated++
      saved = left ?? saved
    }
    assert.ok(repeated >= 100 && repeated <= 102, String(repeated))
  })
  it('saves no more than its limit', () => assert.equal(earnRetry(2, budget), 2))
})

it('jitter is anything from nothing to the exponential step', () => {
  const delays = { retryBaseMs: 50, retryDelayMsMax: 150 }
  assert.deepEqual(
    [1, 2, 3].map((retry) => fullJitterMs(retry, 0.5, delays)),
    [25, 50, 75],
  )
  assert.equal(fullJitterMs(3, 0, delays), 0)
})

describe('the policy of calls', () => {
  it('finds a dependency that is back within two seconds, however long it was away', () => {
    let now = 0
    let state: BreakerState = closedBreaker
    for (let turn = 0; turn < callPolicy.breaker.callsJudgedMin; turn++)
      state = afterCall(state, 'call', 'failed', now, callPolicy.breaker)
    for (let probe = 0; probe < 20; probe++) {
      assert.equal(state.kind, 'open')
      assert.ok(state.kind === 'open' && state.until - now <= 2_000)
      now = state.kind === 'open' ? state.until : now
      const asked = admitCall(state, now, callPolicy.breaker)
      assert.equal(asked.admission, 'probe')
      state = afterCall(asked.state, 'probe', 'failed', now, callPolicy.breaker)
    }
  })
})
