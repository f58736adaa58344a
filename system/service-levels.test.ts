import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeLevel, serviceLevels } from './service-levels.ts'

const level = (id: string) => serviceLevels.find((row) => row.id === id)!

test('a level is met, missed, or has no data; few samples are never green', () => {
  const latency = level('gateway-latency')
  assert.equal(judgeLevel(latency, 0.2, 20), 'met')
  assert.equal(judgeLevel(latency, 0.201, 20), 'missed')
  assert.equal(judgeLevel(latency, 0.001, 19), 'no data')
  assert.equal(judgeLevel(latency, undefined, 1_000), 'no data')
  assert.equal(judgeLevel(latency, Number.NaN, 1_000), 'no data')
  assert.equal(judgeLevel(level('uptime'), 0.9989, 1_000), 'missed')
  assert.equal(judgeLevel(level('uptime'), 1, 1_000), 'met')
})

test('every level has its own name, and every ratio says what it is of', () => {
  assert.equal(new Set(serviceLevels.map(({ id }) => id)).size, serviceLevels.length)
  for (const { id, objective, denominator, brokenWhen } of serviceLevels) {
    if (objective.unit === 'ratio') assert.ok(denominator, id)
    else if (objective.at === 'least') assert.ok(brokenWhen, `${id}: a quiet hour is not a fault`)
  }
})
