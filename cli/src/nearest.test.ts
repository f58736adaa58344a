import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distance, nearest } from './nearest.ts'

test('edit distance', () => {
  for (const [a, b, expected] of [
    ['', '', 0],
    ['up', '', 2],
    ['klil', 'kill', 1],
    ['restrat', 'restart', 1],
    ['log', 'logs', 1],
  ] as const) {
    assert.equal(distance(a, b), expected, `${a} ${b}`)
    assert.equal(distance(b, a), expected, `${b} ${a}`)
  }
})

test('suggests what is near and nothing that is far', () => {
  const known = ['up', 'down', 'kill', 'logs', 'restart']
  assert.equal(nearest('klil', known), 'kill')
  assert.equal(nearest('log', known), 'logs')
  assert.equal(nearest('bicycle', known), undefined)
})
