import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatMicros, paddingOf, parseMicros, stampAfter } from './message.ts'

const micros = Date.parse('2026-03-01T23:59:59.999Z') * 1_000 + 999

describe('stamps', () => {
  test('have six digits of a second, over the end of one too', () => {
    assert.equal(formatMicros(micros), '2026-03-01T23:59:59.999999Z')
    assert.equal(formatMicros(micros + 1), '2026-03-02T00:00:00.000000Z')
    assert.equal(formatMicros(micros - 999_998), '2026-03-01T23:59:59.000001Z')
  })
  test('are read back to the µs', () => {
    for (const value of [micros, micros + 1, micros - 123_456]) assert.equal(parseMicros(formatMicros(value)), value)
  })
  test('never come before the one they follow', () => {
    assert.equal(stampAfter(formatMicros(micros), micros - 5), formatMicros(micros))
    assert.equal(stampAfter(formatMicros(micros), micros + 5), formatMicros(micros + 5))
    assert.equal(stampAfter(null, micros), formatMicros(micros))
  })
})

test('padding is the white space behind the value', () => {
  assert.equal(paddingOf('{"a":" "}'), 0)
  assert.equal(paddingOf(`{"a":1}${' '.repeat(7)}`), 7)
  assert.equal(paddingOf('   '), 3)
})
