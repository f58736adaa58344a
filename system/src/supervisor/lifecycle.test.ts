import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Effect, type InstanceEvent, type InstanceState, initialState, step } from './lifecycle.ts'

const rules = { restart: { backOffMsMin: 100, backOffMsMax: 1_000, stableMs: 5_000 }, stopTimeoutMs: 2_000 }

/** A machine with a clock that only the test moves. */
function machine() {
  let nowMs = 0
  let state: InstanceState = initialState(nowMs)
  return {
    get state(): InstanceState {
      return state
    },
    /** Moves the clock, applies events, returns the effects of the last one. */
    at(ms: number, ...events: InstanceEvent[]): readonly Effect[] {
      nowMs = ms
      let effects: readonly Effect[] = []
      for (const event of events) ({ state, effects } = step(state, event, nowMs, rules))
      return effects
    },
  }
}

const started = (pid = 7): InstanceEvent[] => [{ type: 'start' }, { type: 'launched', pid }]
const ready: InstanceEvent = { type: 'probed', ready: true }
const died: InstanceEvent = { type: 'exited', exit: { code: 1, signal: null } }
const tick: InstanceEvent = { type: 'tick' }

test('a start launches, a pid makes it starting, a good probe makes it ready', () => {
  const one = machine()
  assert.deepEqual(one.at(0, { type: 'start' }), [{ type: 'launch' }])
  one.at(10, { type: 'launched', pid: 7 })
  assert.equal(one.state.status, 'starting')
  assert.deepEqual(one.at(20, { type: 'probed', ready: false }), [])
  one.at(30, ready)
  const { status, restarts } = one.state
  assert.deepEqual({ status, restarts }, { status: 'ready', restarts: 0 })
})

test('each death in a row doubles the pause before the next start, up to the limit', () => {
  const one = machine()
  let nowMs = 0
  one.at(nowMs, ...started())
  const pauses: number[] = []
  for (let death = 0; death < 6; death += 1) {
    const [effect] = one.at(nowMs, died)
    assert.equal(effect?.type, 'wake')
    const wakeAtMs = effect?.type === 'wake' ? effect.atMs : 0
    pauses.push(wakeAtMs - nowMs)
    assert.deepEqual(one.at(wakeAtMs - 1, tick), [], 'an early tick starts nothing')
    assert.deepEqual(one.at(wakeAtMs, tick), [{ type: 'launch' }])
    nowMs = wakeAtMs
    one.at(nowMs, { type: 'launched', pid: 8 })
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000])
  assert.equal(one.state.restarts, 6)
})

test('an instance that was ready long enough begins with the shortest pause again', () => {
  const one = machine()
  one.at(0, ...started(), died)
  one.at(100, tick, { type: 'launched', pid: 8 }, died)
  one.at(300, tick, { type: 'launched', pid: 9 }, ready)
  assert.deepEqual(one.at(300 + 5_000, died), [{ type: 'wake', atMs: 5_400 }])
})

test('an instance that was ready for a moment only goes on backing off', () => {
  const one = machine()
  one.at(0, ...started(), ready, died)
  one.at(100, tick, { type: 'launched', pid: 8 }, ready)
  assert.deepEqual(one.at(200, died), [{ type: 'wake', atMs: 400 }])
})

test('a stop asks, then kills at the deadline, once', () => {
  const one = machine()
  one.at(0, ...started(), ready)
  assert.deepEqual(one.at(1_000, { type: 'stop' }), [
    { type: 'signal', signal: 'SIGTERM' },
    { type: 'wake', atMs: 3_000 },
  ])
  assert.deepEqual(one.at(2_999, tick), [])
  assert.deepEqual(one.at(3_000, tick), [{ type: 'signal', signal: 'SIGKILL' }])
  assert.deepEqual(one.at(3_100, tick), [])
  assert.deepEqual(one.at(3_200, { type: 'exited', exit: { code: null, signal: 'SIGKILL' } }), [])
  assert.equal(one.state.status, 'stopped')
})

test('a stop with time to spare kills that much later', () => {
  const one = machine()
  one.at(0, ...started())
  assert.deepEqual(one.at(1_000, { type: 'stop', spareMs: 500 }), [
    { type: 'signal', signal: 'SIGTERM' },
    { type: 'wake', atMs: 3_500 },
  ])
})

test('a stop while backing off prevents the start', () => {
  const one = machine()
  one.at(0, ...started(), died, { type: 'stop' })
  assert.equal(one.state.status, 'stopped')
  assert.deepEqual(one.at(100, tick), [])
})

test('a stop while the process is being made takes effect when it is there', () => {
  const one = machine()
  one.at(0, { type: 'start' }, { type: 'stop' })
  const effects = one.at(50, { type: 'launched', pid: 7 })
  assert.deepEqual(effects[0], { type: 'signal', signal: 'SIGTERM' })
  one.at(60, died)
  assert.equal(one.state.status, 'stopped')
})

test('a start that fails before there is a process backs off; after a stop it stays stopped', () => {
  const one = machine()
  assert.deepEqual(one.at(0, { type: 'start' }, { type: 'launch-failed' }), [{ type: 'wake', atMs: 100 }])
  one.at(100, tick)
  assert.deepEqual(one.at(110, { type: 'stop' }, { type: 'launch-failed' }), [])
  assert.equal(one.state.status, 'stopped')
})

test('a restart stops first and starts at once when the process is gone', () => {
  const one = machine()
  one.at(0, ...started(), ready, { type: 'restart' })
  assert.equal(one.state.status, 'stopping')
  assert.deepEqual(one.at(50, { type: 'exited', exit: { code: 0, signal: null } }), [{ type: 'launch' }])
  assert.equal(one.state.failures, 0)
})

test('the later of two wishes wins while it is stopping', () => {
  const restartThenStop = machine()
  restartThenStop.at(0, ...started(), { type: 'restart' }, { type: 'stop' }, died)
  assert.equal(restartThenStop.state.status, 'stopped')
  const stopThenStart = machine()
  assert.deepEqual(stopThenStart.at(0, ...started(), { type: 'stop' }, { type: 'start' }, died), [{ type: 'launch' }])
})

test('kill sends SIGKILL and changes nothing by itself: the death that follows is treated like any other', () => {
  const one = machine()
  one.at(0, ...started(), ready)
  assert.deepEqual(one.at(10, { type: 'kill' }), [{ type: 'signal', signal: 'SIGKILL' }])
  assert.equal(one.state.status, 'ready')
  assert.deepEqual(one.at(11, died), [{ type: 'wake', atMs: 111 }])
})

test('a paused instance is continued when it is asked to stop, so that it can hear SIGTERM', () => {
  const one = machine()
  one.at(0, ...started(), ready)
  assert.deepEqual(one.at(10, { type: 'pause' }), [{ type: 'signal', signal: 'SIGSTOP' }])
  assert.deepEqual(one.at(15, { type: 'probed', ready: false }), [], 'probes say nothing about a paused one')
  const effects = one.at(20, { type: 'stop' })
  assert.deepEqual(
    effects.map((effect) => (effect.type === 'signal' ? effect.signal : effect.type)),
    ['SIGTERM', 'SIGCONT', 'wake'],
  )
})

test('resume returns to the state before the pause', () => {
  const one = machine()
  one.at(0, ...started(), ready, { type: 'pause' })
  assert.deepEqual(one.at(10, { type: 'resume' }), [{ type: 'signal', signal: 'SIGCONT' }])
  assert.equal(one.state.status, 'ready')
})

test('events that mean nothing in a state leave it as it is', () => {
  const nothing: InstanceEvent[] = [
    { type: 'stop' },
    { type: 'kill' },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'launched', pid: 3 },
    ready,
    died,
    tick,
  ]
  for (const event of nothing) {
    const one = machine()
    assert.deepEqual(one.at(5, event), [], event.type)
    assert.deepEqual(one.state, initialState(0), event.type)
  }
})
