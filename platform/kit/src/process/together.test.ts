import assert from 'node:assert/strict'
import { test } from 'node:test'
import { together } from './together.ts'

/** Calls wait until they are let go, and double numbers; a negative one breaks its call. */
const bench = (itemsMax = 100) => {
  const calls: (readonly number[])[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const double = together<number, number>(itemsMax, async (items) => {
    calls.push(items)
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    if (items.some((item) => item < 0)) throw new Error('negative')
    return items.map((item) => item * 2)
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const letGo = async (index: number) => {
    gates[index]?.resolve()
    await turn()
  }
  return { calls, double, turn, letGo }
}

test('what comes alone goes alone and at once; what comes meanwhile goes together', async () => {
  const { calls, double, turn, letGo } = bench()
  const first = double(1)
  await turn()
  assert.deepEqual(calls, [[1]])
  const others = [double(2), double(3)]
  await turn()
  assert.deepEqual(calls, [[1]], 'one call at a time')
  await letGo(0)
  assert.deepEqual(calls, [[1], [2, 3]])
  await letGo(1)
  assert.deepEqual(await Promise.all([first, ...others]), [2, 4, 6])
  const later = double(4)
  await turn()
  await letGo(2)
  assert.equal(await later, 8)
})

test('a call takes a limited number of items', async () => {
  const { calls, double, turn, letGo } = bench(2)
  const all = [1, 2, 3].map(double)
  await turn()
  await letGo(0)
  await letGo(1)
  assert.deepEqual(calls, [[1, 2], [3]])
  assert.deepEqual(await Promise.all(all), [2, 4, 6])
})

test('one that cannot succeed harms no other of its group', async () => {
  const { calls, double, turn, letGo } = bench()
  const all = Promise.allSettled([1, -1, 3].map(double))
  await turn()
  for (const call of [0, 1, 2, 3]) await letGo(call)
  assert.deepEqual(calls, [[1, -1, 3], [1], [-1], [3]])
  assert.deepEqual(
    (await all).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason))),
    [2, 'Error: negative', 6],
  )
})
