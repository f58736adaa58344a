import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenRequest, overdue, type SessionState } from './http2-time.ts'

const times = { headersMs: 10, requestMs: 30, keepAliveMs: 65, unreadMsMax: 20 }
const session = (restedAt: number | undefined, ...requests: OpenRequest[]): SessionState<OpenRequest> => ({
  openedAt: 0,
  restedAt,
  requests: new Set(requests),
})
const request = (given: Partial<OpenRequest>): OpenRequest => ({
  beganAt: 0,
  complete: true,
  refused: false,
  unread: undefined,
  ...given,
})
const nothing = { late: [], unread: [] }

test('a session without a first request goes after the time for headers, one that rests after keep-alive', () => {
  assert.deepEqual(overdue(session(undefined), 10, times), nothing)
  assert.equal(overdue(session(undefined), 11, times), 'session')
  assert.deepEqual(overdue(session(100), 165, times), nothing)
  assert.equal(overdue(session(100), 166, times), 'session')
})

test('a request whose body is late goes alone; one that waits for its answer may take as long as it likes', () => {
  const late = request({ complete: false })
  const young = request({ complete: false, beganAt: 20 })
  const told = request({ complete: false, refused: true })
  const waiting = request({})
  assert.deepEqual(overdue(session(undefined, late, young, told, waiting), 31, times), { late: [late], unread: [] })
  assert.deepEqual(overdue(session(undefined, waiting), 1_000_000, times), nothing)
})

test('an answer of which nothing leaves goes alone, when its time is over', () => {
  const stuck = request({ unread: { left: 0, waiting: 1, since: 100 } })
  const moving = request({ unread: { left: 0, waiting: 1, since: 101 } })
  assert.deepEqual(overdue(session(undefined, stuck, moving), 120, times), nothing)
  assert.deepEqual(overdue(session(undefined, stuck, moving), 121, times), { late: [], unread: [stuck] })
})
