import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyKeys, followMs, type Stroke, strokeMeans } from './shortcuts.ts'

const letters = new Map([
  ['o', '/orders'],
  ['m', '/'],
])
const stroke = (key: string, rest: Partial<Stroke> = {}): Stroke => ({
  key,
  command: false,
  typing: false,
  atMs: 1_000,
  ...rest,
})

test('G and a letter soon after lead to a page, in the Russian layout too', () => {
  for (const [first, second] of [
    ['g', 'o'],
    ['п', 'щ'],
    ['G', 'O'],
  ] as const) {
    const waiting = strokeMeans(emptyKeys, stroke(first), letters, true)
    assert.equal(waiting.to, undefined)
    assert.equal(strokeMeans(waiting, stroke(second, { atMs: 1_400 }), letters, true).to, '/orders')
    assert.equal(strokeMeans(waiting, stroke(second, { atMs: 1_001 + followMs }), letters, true).to, undefined)
  }
})

test('a letter that names no page ends the wait', () => {
  const waiting = strokeMeans(emptyKeys, stroke('g'), letters, true)
  const ended = strokeMeans(waiting, stroke('z', { atMs: 1_100 }), letters, true)
  assert.equal(strokeMeans(ended, stroke('o', { atMs: 1_200 }), letters, true).to, undefined)
})

test('Ctrl-K opens the palette everywhere; other keys mean nothing while somebody writes or wants none', () => {
  assert.equal(strokeMeans(emptyKeys, stroke('k', { command: true, typing: true }), letters, false).open, 'palette')
  assert.equal(strokeMeans(emptyKeys, stroke('л', { command: true }), letters, true).open, 'palette')
  assert.equal(strokeMeans(emptyKeys, stroke('/'), letters, true).open, 'palette')
  assert.equal(strokeMeans(emptyKeys, stroke('?'), letters, true).open, 'keys')
  assert.equal(strokeMeans(emptyKeys, stroke('?', { typing: true }), letters, true).open, undefined)
  assert.equal(strokeMeans(emptyKeys, stroke('/'), letters, false).open, undefined)
  assert.equal(strokeMeans(emptyKeys, stroke('o', { command: true }), letters, true).to, undefined)
})
