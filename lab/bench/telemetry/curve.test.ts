import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curveOf, type Sample } from './curve.ts'

const sample = (second: number, megabytes: number): Sample => ({
  atMs: 5_000 + second * 1_000,
  spans: second * 10_000,
  cpuMs: 300 + second * 150,
  pssBytes: megabytes * 1e6,
})

test('a curve has the rate, the share of a core and the most memory of each stretch', () => {
  const samples = [sample(0, 30), sample(2, 60), sample(4, 50)]
  assert.deepEqual(curveOf(samples), {
    points: [
      { atSeconds: 2, spansPerSecond: 10_000, cpu: 0.15, memoryMb: 60 },
      { atSeconds: 4, spansPerSecond: 10_000, cpu: 0.15, memoryMb: 50 },
    ],
    cpu: 0.15,
    memoryBeforeMb: 30,
    memoryMostMb: 60,
  })
})

test('a long run has as many points as a short one, and loses no peak', () => {
  const samples = Array.from({ length: 301 }, (_, at) => sample(at * 2, at === 150 ? 149 : 100))
  const { points, memoryMostMb } = curveOf(samples)
  assert.equal(points.length, 20)
  assert.equal(points.at(-1)?.atSeconds, 600)
  assert.equal(memoryMostMb, 149)
  assert.equal(points.filter(({ memoryMb }) => memoryMb === 149).length, 1)
})
