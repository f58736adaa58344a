import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLine } from './line.ts'

test('a line of ours is taken apart; what every line has is left out', () => {
  const text = '{"time":"2026-01-01T00:00:00.000Z","level":"warn","service":"orders","msg":"slow","ms":12,"path":"/a"}'
  assert.deepEqual(parseLine(text), {
    time: '2026-01-01T00:00:00.000Z',
    level: 'warn',
    message: 'slow',
    fields: 'ms=12  path=/a',
  })
})

test('any other line is shown as it is, with the level that its words tell', () => {
  const text = '2026-01-01 00:00:00 UTC [7] FATAL:  terminating connection'
  assert.deepEqual(parseLine(text), { level: 'error', message: text, fields: '' })
  assert.equal(parseLine('{"broken').message, '{"broken')
})
