import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookedAt, type Unread } from './unread.ts'

/** What is known after these looks, each a millisecond after the other, the first at 0: writes left, bytes waiting. */
const looks = (...seen: [left: number, waiting: number][]): Unread | undefined =>
  seen.reduce<Unread | undefined>((before, [left, waiting], now) => lookedAt(before, { left, waiting }, now), undefined)

test('an answer waits from when it was first seen to, and whatever leaves of it begins that again', () => {
  assert.equal(looks([0, 0], [3, 0]), undefined, 'nothing is written, or all has left')
  assert.equal(looks([0, 0], [0, 10], [0, 10])?.since, 1)
  assert.equal(looks([0, 10], [0, 9], [0, 9])?.since, 1, 'fewer bytes wait')
  assert.equal(looks([0, 10], [1, 10])?.since, 1, 'as many wait, but others')
  assert.equal(looks([0, 10], [0, 13], [0, 16])?.since, 0, 'more is written behind it')
  assert.equal(looks([0, 10], [0, 13], [0, 12])?.since, 2, 'measured by the last look')
  assert.equal(looks([0, 10], [1, 0], [1, 10])?.since, 2, 'it was empty in between')
})
