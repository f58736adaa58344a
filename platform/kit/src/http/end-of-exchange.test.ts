import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorTable } from '@svyaz/contracts/errors.ts'
import { Failure } from '../failure.ts'
import { callerLeft, endOfExchange } from './end-of-exchange.ts'

test('an answer without a failure is answered, whatever its status', () => {
  for (const status of [200, 304, 404, callerLeft]) assert.equal(endOfExchange(status, undefined).how, 'answered')
})

test('every code of the table has its word: the caller’s fault is refused, ours is failed, the unknown broke', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const { status } = errorTable[code]
    const { how, level } = endOfExchange(status, new Failure(code, 'x'))
    const expected = code === 'internal' ? 'broke' : status >= 500 ? 'failed' : 'refused'
    assert.equal(how, expected, code)
    const loud = code === 'internal' ? 'error' : status >= 500 || status === 401 || status === 403 ? 'warn' : 'info'
    assert.equal(level, loud, code)
  }
})

test('who left before the answer is not told off', () => {
  assert.deepEqual(endOfExchange(callerLeft, new Failure('unavailable', 'x')), { how: 'failed', level: 'info' })
})
