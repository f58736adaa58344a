import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from './random.ts'

const draw = (seed: number) => {
  const random = createRandom(seed)
  return [random.shuffled([1, 2, 3, 4, 5, 6, 7, 8]), random.between(0, 1e6), random.fork().number()]
}

test('a seed gives the same draws, another seed others', () => {
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('draws are spread evenly, within their bounds', () => {
  const random = createRandom(1)
  const counts = new Map<number, number>()
  for (let turn = 0; turn < 6_000; turn++) {
    const drawn = random.between(1, 6)
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1)
  }
  assert.deepEqual([...counts.keys()].sort(), [1, 2, 3, 4, 5, 6])
  for (const count of counts.values()) assert.ok(Math.abs(count - 1_000) < 150, `${count} of 6000`)
  const names = Array.from({ length: 4_000 }, () => random.weighted({ rare: 1, often: 3, never: 0 }))
  assert.ok(Math.abs(names.filter((name) => name === 'rare').length - 1_000) < 150)
  assert.equal(names.includes('never'), false)
})
