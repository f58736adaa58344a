import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

test('durations of Go are read', () => {
  for (const [text, expectedMs] of [
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['.5s', 500],
    ['0', 0],
    [10_000_000_000, 10_000],
  ] as const) {
    assert.equal(parseDuration(text), expectedMs, String(text))
  }
  for (const wrong of ['', '10', '10x', '-1s', '1s ', 's', '1 s', 'NaN', Number.NaN, -1, null, {}]) {
    assert.equal(parseDuration(wrong), undefined, String(wrong))
  }
})

test('durations are written as Go does', () => {
  for (const text of ['0s', '500ms', '10s', '1.5s', '1m30s', '1h0m0s', '26h3m4s']) {
    assert.equal(formatDuration(parseDuration(text)!), text)
  }
})
