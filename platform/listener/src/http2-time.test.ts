import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenRequest, overdue, type SessionState } from './http2-time.ts'

const times = { headersMs: 10, requestMs: 30, keepAliveMs: 65 }
const session = (restedAt: number | undefined, ...requests: OpenRequest[]): SessionState<OpenRequest> => ({
  openedAt: 0,
  restedAt,
  requests: new Set(requests),
})

test('a session without a first request goes after the time for headers, one that rests after keep-alive', () => {
  assert.deepEqual(overdue(session(undefined), 10, times), [])
  assert.equal(overdue(session(undefined), 11, times), 'session')
  assert.deepEqual(overdue(session(100), 165, times), [])
  assert.equal(overdue(session(100), 166, times), 'session')
})

test('a request whose body is late goes alone; one that waits for its answer may take as long as it likes', () => {
  const late = { beganAt: 0, complete: false }
  const young = { beganAt: 20, complete: false }
  const waiting = { beganAt: 0, complete: true }
  assert.deepEqual(overdue(session(undefined, late, young, waiting), 31, times), [late])
  assert.deepEqual(overdue(session(undefined, waiting), 1_000_000, times), [])
})
