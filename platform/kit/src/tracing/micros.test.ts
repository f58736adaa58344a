import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMicros } from './micros.ts'

/** Each look at a clock takes a tenth of a µs; `interruptions` are [after this many looks, for this many ms]. */
const machine = (startMs: number, interruptions: readonly (readonly [number, number])[] = []) => {
  const stops = new Map(interruptions)
  let elapsedMs = 0
  let setMs = 0
  let looks = 0
  const look = () => {
    looks += 1
    elapsedMs += 0.0001 + (stops.get(looks) ?? 0)
  }
  return {
    wallMs: () => {
      look()
      return Math.floor(startMs + setMs + elapsedMs)
    },
    monotonicMs: () => {
      look()
      return elapsedMs
    },
    /** What the wall clock would say if it had µs. */
    trueMicros: () => (startMs + setMs + elapsedMs) * 1_000,
    pass(ms: number) {
      elapsedMs += ms
    },
    set(ms: number) {
      setMs += ms
    },
    interruptAfter(more: number, ms: number) {
      stops.set(looks + more, ms)
    },
  }
}
const start = 1_790_000_000_000.4

const assertRight = (clock: ReturnType<typeof machine>, micros: () => number, within = 10) => {
  const said = micros()
  assert.ok(Math.abs(said - clock.trueMicros()) <= within, `${said} instead of ${clock.trueMicros()}`)
}

test('it tells µs although the wall clock has ms only', () => {
  const clock = machine(start)
  const micros = createMicros(clock.wallMs, clock.monotonicMs)
  assertRight(clock, micros)
  clock.pass(1_234.567)
  assertRight(clock, micros)
})

test('an interruption at the tick makes it wait for another one', () => {
  const clock = machine(start, [
    [900, 3],
    [30_000, 3],
  ])
  assertRight(clock, createMicros(clock.wallMs, clock.monotonicMs))
})

test('an interruption between the clocks does not pass for a clock that was set', () => {
  const clock = machine(start)
  const micros = createMicros(clock.wallMs, clock.monotonicMs)
  micros()
  clock.pass(10)
  // After the monotonic clock was read: what comes out is the time of that moment.
  clock.interruptAfter(2, 5)
  const before = clock.trueMicros()
  assert.ok(Math.abs(micros() - before) <= 10)
  assertRight(clock, micros)
})

test('a wall clock that is set forward is followed; one that is set back never makes time go back', () => {
  const clock = machine(start)
  const micros = createMicros(clock.wallMs, clock.monotonicMs)
  micros()
  clock.set(5_000)
  assertRight(clock, micros)
  const last = micros()
  clock.set(-60_000)
  assert.equal(micros(), last + 1)
  assert.equal(micros(), last + 2)
  clock.pass(61_000)
  assertRight(clock, micros)
})
