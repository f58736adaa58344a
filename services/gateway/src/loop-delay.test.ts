import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoopDelay } from './loop-delay.ts'

const start = () => {
  const state = { now: 1_000, due: [] as { at: number; look: () => void }[] }
  const delay = new LoopDelay(
    () => state.now,
    (ms, look) => void state.due.push({ at: state.now + ms, look }),
  )
  /** The process gets to what is due after it was busy until then. */
  const busyUntil = (now: number) => {
    state.now = now
    for (const { look } of state.due.splice(0)) look()
  }
  return { state, delay, busyUntil }
}

test('it is as late as the last look, falls by halves, and is forgotten', () => {
  const { state, delay, busyUntil } = start()
  assert.equal(delay.ms, 0)
  assert.equal(state.due.length, 1)
  busyUntil(1_420)
  assert.equal(delay.ms, 400)
  busyUntil(1_440)
  assert.equal(delay.ms, 200)
  busyUntil(1_460)
  assert.equal(delay.ms, 100)
  state.due.length = 0
  state.now = 10_000
  assert.ok(delay.ms > 1_000, 'a look that is still due says how late it is by now')
})

test('it counts before the look that is due has come', () => {
  const { state, delay } = start()
  assert.equal(delay.ms, 0)
  state.now = 1_320
  assert.equal(delay.ms, 300)
})

test('nothing is looked at while nobody asks', () => {
  const { state, delay, busyUntil } = start()
  void delay.ms
  busyUntil(1_020)
  assert.equal(state.due.length, 0)
  state.now = 60_000
  assert.equal(delay.ms, 0)
})
