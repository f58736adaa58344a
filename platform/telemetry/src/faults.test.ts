import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sayFaults } from './faults.ts'

test('a fault that lasts is said once, and again after a minute; another one at once', () => {
  const said: unknown[] = []
  let nowMs = 0
  const hear = sayFaults(
    (_, __, fields) => said.push([nowMs, fields?.error]),
    'it broke',
    () => nowMs,
  )
  for (nowMs = 0; nowMs <= 130_000; nowMs += 10_000) {
    hear(new Error('the disk is full'))
    if (nowMs === 20_000) hear('another one')
  }
  assert.deepEqual(said, [
    [0, 'Error: the disk is full'],
    [20_000, 'another one'],
    [60_000, 'Error: the disk is full'],
    [120_000, 'Error: the disk is full'],
  ])
})
