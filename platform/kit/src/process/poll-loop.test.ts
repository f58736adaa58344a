import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../api.ts'
import { pollLoop, type Round } from './poll-loop.ts'

/** The sleeps that a loop asks for, none of them slept; it ends when its rounds are over. */
const sleepsOf = async (rounds: readonly (number | Round)[]): Promise<number[]> => {
  const sleeps: number[] = []
  const stop = new AbortController()
  const left = [...rounds]
  const clock = { delay: async (ms: number) => void sleeps.push(ms) } as unknown as Clock
  const once = async () => {
    const round = left.shift() ?? 0
    if (left.length === 0) stop.abort()
    return round
  }
  await pollLoop({ name: 'test', everyMs: 1_000, clock, once }).run(stop.signal)
  return sleeps
}

test('a loop goes on while there is work, then sleeps until the poll or what is due before it', async () => {
  assert.deepEqual(await sleepsOf([0, 1, 0, 2, 0]), [1_000, 1_000])
  assert.deepEqual(await sleepsOf([{ done: 0, dueInMs: 40 }, { done: 3, dueInMs: 40 }, 0, 0]), [40, 1_000])
  assert.deepEqual(await sleepsOf([{ done: 0, dueInMs: 7_000 }, { done: 0, dueInMs: undefined }, 0]), [1_000, 1_000])
  const resting = { done: 1, dueInMs: undefined, restMs: 250 }
  assert.deepEqual(await sleepsOf([resting, resting, 0, 0]), [250, 250, 1_000])
})
