import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { createWakes } from './wakes.ts'

const long = 60_000

test('a wake ends the sleeps of its key and no other', async () => {
  const wakes = createWakes(systemClock)
  const ended: string[] = []
  const other = new AbortController()
  const sleeping = [
    wakes.sleep('a', long).then(() => ended.push('a1')),
    wakes.sleep('a', long).then(() => ended.push('a2')),
    wakes.sleep('b', long, other.signal).then(() => ended.push('b')),
  ]
  wakes.wake('a')
  await Promise.all(sleeping.slice(0, 2))
  assert.deepEqual(ended, ['a1', 'a2'])
  other.abort()
  await sleeping[2]
  assert.deepEqual(ended, ['a1', 'a2', 'b'])
})

test('time ends a sleep, and an aborted signal starts none', async () => {
  const wakes = createWakes(systemClock)
  await wakes.sleep('a', 1)
  await wakes.sleep('a', long, AbortSignal.abort())
})
