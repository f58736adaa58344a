import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './config.ts'
import { type Guesses, judgeGuess, placeOf } from './throttle.ts'

const bounds = { max: 10, windowMs: 900_000, growingWait: true }
const start = 1_000_000
const none: Guesses = { failures: 0, lastAt: start, windowEndsAt: start }

/** Makes each guess as soon as it may be made, until the window refuses the rest. */
const guessOn = (state: Guesses, now: number, waits: number[] = []): number[] => {
  const verdict = judgeGuess(state, bounds, now)
  if ('next' in verdict) return guessOn(verdict.next, now, waits)
  waits.push(verdict.waitMs)
  return state.failures === bounds.max ? waits : guessOn(state, now + verdict.waitMs, waits)
}

test('the first guesses are looked at at once, then each waits twice as long, and the window ends them', () => {
  const waits = guessOn(none, start)
  assert.deepEqual(waits.slice(0, -1), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
  assert.equal(waits.at(-1), bounds.windowMs - 63_000)
  assert.equal(waits.length - 1, bounds.max - limits.login.guessesWithoutWait)
})

test('when the window is over, counting begins again', () => {
  const full = { failures: 10, lastAt: start, windowEndsAt: start + bounds.windowMs }
  assert.deepEqual(judgeGuess(full, bounds, start + 1), { waitMs: bounds.windowMs - 1 })
  const next = { failures: 1, lastAt: full.windowEndsAt, windowEndsAt: full.windowEndsAt + bounds.windowMs }
  assert.deepEqual(judgeGuess(full, bounds, full.windowEndsAt), { next })
})

test('no clock that jumps keeps anybody out for longer than a window', () => {
  const hour = 3_600_000
  const ahead = { failures: 10, lastAt: start + hour, windowEndsAt: start + hour + bounds.windowMs }
  assert.ok('next' in judgeGuess(ahead, bounds, start), 'written an hour ahead, read after the clock went back')
  const little = { failures: 5, lastAt: start + 10_000, windowEndsAt: start + bounds.windowMs }
  assert.deepEqual(judgeGuess(little, bounds, start), { waitMs: 2_000 }, 'the wait is counted from now at the most')
})

test('without a growing wait only the number counts', () => {
  const nine = { failures: 9, lastAt: start, windowEndsAt: start + bounds.windowMs }
  assert.ok('next' in judgeGuess(nine, { ...bounds, growingWait: false }, start))
})

test('a place is an account at one client: an IPv6 client is its /64', () => {
  const place = (email: string, address: string) => placeOf(email, address).toString('hex')
  assert.equal(place('Ada@example.com', '2001:db8:0:1::1'), place('ada@example.com', '2001:db8:0:1:ffff::2'))
  assert.notEqual(place('ada@example.com', '2001:db8:0:1::1'), place('ada@example.com', '2001:db8:0:2::1'))
  assert.notEqual(place('ada@example.com', '192.0.2.1'), place('bob@example.com', '192.0.2.1'))
})
