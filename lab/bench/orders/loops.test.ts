import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '@svyaz/checker/random.ts'
import { basket, closedLoop, openLoop } from './loops.ts'
import type { Outcome } from './shopper.ts'

const done = (dueAtMs: number): Outcome => ({ status: 201, dueAtMs, postMs: 1, completedMs: 2 })

test('a closed loop keeps its number under way and no more, until it is enough', async () => {
  let underWay = 0
  let most = 0
  const place = async (dueAtMs: number) => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise(setImmediate)
    underWay -= 1
    return done(dueAtMs)
  }
  const { outcomes } = await closedLoop(place, 4, ({ completed }) => completed >= 20)
  assert.equal(most, 4)
  assert.ok(outcomes.length >= 20 && outcomes.length < 24, `${outcomes.length} orders`)
})

test('in an open loop a stack that answers nothing meets every order that is due', async () => {
  const dueAtMs: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const place = async (due: number) => {
    dueAtMs.push(due)
    if (dueAtMs.length === 10) resolve()
    await promise
    return done(due)
  }
  const { startedAtMs, outcomes } = await openLoop(place, 1_000, 0.01)
  assert.equal(outcomes.length, 10)
  assert.deepEqual(
    dueAtMs.map((due) => Math.round(due - startedAtMs)),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
})

test('a basket names each product once', () => {
  const random = createRandom(3)
  const baskets = Array.from({ length: 200 }, () => basket(['a', 'b', 'c', 'd'], random))
  for (const lines of baskets) {
    assert.equal(new Set(lines.map(({ productId }) => productId)).size, lines.length)
    assert.ok(lines.every(({ quantity }) => quantity === 1 || quantity === 2))
  }
  assert.deepEqual([...new Set(baskets.map(({ length }) => length))].sort(), [1, 2, 3])
})
