import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rawAnswer, writeProblem } from './raw-answer.ts'
import { withRetryAfter } from './retry-after.ts'

describe('Retry-After', () => {
  for (const status of [429, 503, 504]) {
    it(`is added to ${status}`, () => {
      assert.deepEqual(withRetryAfter(status, { a: 'b' }), { a: 'b', 'retry-after': '1' })
      assert.match(rawAnswer(status, 'x', { headers: {}, body: '' }), /\r\nretry-after: 1\r\n/)
    })
    it(`is left as it was said on ${status}`, () =>
      assert.deepEqual(withRetryAfter(status, { 'Retry-After': '30' }), { 'Retry-After': '30' }))
  }
  for (const status of [200, 400, 404, 408, 500, 502])
    it(`has no place on ${status}`, () => assert.deepEqual(withRetryAfter(status, {}), {}))

  it('is not on a refusal that no other try would change', () =>
    assert.equal(writeProblem({ status: 400, code: 'invalid_request', detail: '' }).headers['retry-after'], undefined))
})
