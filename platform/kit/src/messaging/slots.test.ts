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

test('what runs alone waits for those before it, and those after it wait for it', async () => {
  const slots = createSlots(2)
  const begun: string[] = []
  const gates = new Map(['a', 'b', 'alone', 'c'].map((name) => [name, Promise.withResolvers<void>()]))
  const run = (name: string) => async () => {
    begun.push(name)
    await gates.get(name)?.promise
  }
  const works = [slots.use(run('a')), slots.use(run('b')), slots.alone(run('alone')), slots.use(run('c'))]
  const seen: string[] = []
  for (const name of ['a', 'b', 'alone', 'c']) {
    gates.get(name)?.resolve()
    await turn()
    seen.push(begun.join(' '))
  }
  await Promise.all(works)
  assert.deepEqual(seen, ['a b', 'a b alone', 'a b alone c', 'a b alone c'])
})
