import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeSpanAnswer, readOtlpHeaders } from './span-answer.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const judge = (status: number, retryAfter: string | null = null, body = '') =>
  judgeSpanAnswer({ status, retryAfter, body }, nowMs)

describe("a collector's answer", () => {
  test('2xx is taken, with what it would not keep', () => {
    assert.deepEqual(judge(200, null, '{}'), { kind: 'taken', rejected: 0, why: '' })
    assert.deepEqual(judge(202, null, 'not JSON partialSuccess'), { kind: 'taken', rejected: 0, why: '' })
    const partly = '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'
    assert.deepEqual(judge(200, null, partly), { kind: 'taken', rejected: 3, why: 'too old' })
  })

  for (const status of [429, 502, 503, 504])
    test(`${status} is tried again`, () => assert.equal(judge(status).kind, 'again'))
  for (const status of [301, 400, 401, 403, 404, 413, 415, 500, 501])
    test(`${status} is not tried again`, () => assert.equal(judge(status).kind, 'refused'))

  test('when to come back: seconds, a date, bounded; rubbish says nothing', () => {
    const after = (value: string) => {
      const answer = judge(503, value)
      return answer.kind === 'again' ? answer.afterMs : 'not again'
    }
    assert.equal(after('2'), 2_000)
    assert.equal(after('Thu, 01 Jan 2026 00:00:10 GMT'), 10_000)
    assert.equal(after('Wed, 31 Dec 2025 00:00:00 GMT'), 0)
    assert.equal(after('999999'), 300_000)
    assert.equal(after('soon'), undefined)
  })

  test('a missing key and a wrong address are named', () => {
    assert.match(judge(401).why, /OTEL_EXPORTER_OTLP_HEADERS/)
    assert.match(judge(404).why, /base URL/)
  })
})

describe('headers for a collector', () => {
  test('pairs divided by commas, percent-encoded', () => {
    assert.deepEqual(readOtlpHeaders('api-key=abc%20def, X-Scope=a=b,'), { 'api-key': 'abc def', 'x-scope': 'a=b' })
    assert.deepEqual(readOtlpHeaders(''), {})
  })

  for (const text of ['novalue', '=x', 'bad name=x', 'a=%zz', 'a=%0d%0ab: c'])
    test(`${JSON.stringify(text)} is refused without its value`, () =>
      assert.throws(
        () => readOtlpHeaders(text),
        (error: Error) => !error.message.includes('%0d'),
      ))
})
