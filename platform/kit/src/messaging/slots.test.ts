import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createSlots } from './slots.ts'

test('no more than the given number at once; the rest in their order, failures included', async () => {
  const slots = createSlots(2)
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const works = gates.map((gate, n) =>
    slots.use(async () => {
      begun.push(n)
      await gate.promise
    }),
  )
  const settled = Promise.allSettled(works)
  assert.deepEqual(begun, [0, 1])
  gates[1]!.reject(new Error('x'))
  await turn()
  assert.deepEqual(begun, [0, 1, 2])
  gates[0]!.resolve()
  await turn()
  assert.deepEqual(begun, [0, 1, 2, 3])
  gates[2]!.resolve()
  gates[3]!.resolve()
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
})
