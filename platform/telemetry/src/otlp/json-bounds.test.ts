import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containersMax, excessOf } from './json-bounds.ts'

const excess = (text: string) => excessOf(Buffer.from(text))

test('brackets are counted and may nest so far; within strings they are text', () => {
  assert.equal(excess(`${'['.repeat(64)}${']'.repeat(64)}`), undefined)
  assert.match(String(excess(`{"a":${'['.repeat(64)}`)), /nests deeper/)
  assert.equal(excess(JSON.stringify({ a: '['.repeat(1_000), '"\\"{': ['\\', '"[', '{{'.repeat(100)] })), undefined)
  assert.equal(excess(`[${'{},'.repeat(containersMax - 2)}[]]`), undefined)
  assert.match(String(excess(`[${'{},'.repeat(containersMax - 1)}[]]`)), /has more than 400000/)
})

test('what isn’t JSON ends too', () => {
  for (const text of ['', '"', '"\\', '"\\"', ']]]]', '\\"[', '{"a":"']) assert.equal(excess(text), undefined, text)
})
