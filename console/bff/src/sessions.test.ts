import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './limits.ts'
import { cookieName, createSessions } from './sessions.ts'

test('a cookie names its session among other cookies; scripts and other sites never get it', () => {
  const sessions = createSessions(() => 0)
  const session = sessions.open()
  const cookie = sessions.cookie(session)
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/)
  assert.equal(sessions.find(`theme=dark; ${cookie.split(';')[0]}; other=1`), session)
  assert.equal(sessions.find(`${cookieName}=guessed`), undefined)
  assert.equal(sessions.find(undefined), undefined)
  assert.notEqual(session.csrf, session.id)
})

test('an idle session ends', () => {
  let now = 0
  const sessions = createSessions(() => now)
  const cookie = sessions.cookie(sessions.open())
  now = limits.sessionIdleMs
  assert.ok(sessions.find(cookie))
  now += limits.sessionIdleMs + 1
  assert.equal(sessions.find(cookie), undefined)
})

test('sessions are bounded: the one that was idle longest goes', () => {
  const sessions = createSessions(() => 0)
  const first = sessions.cookie(sessions.open())
  const second = sessions.cookie(sessions.open())
  for (let count = 2; count < limits.sessionsMax; count += 1) sessions.open()
  assert.ok(sessions.find(first))
  sessions.open()
  assert.equal(sessions.size, limits.sessionsMax)
  assert.ok(sessions.find(first))
  assert.equal(sessions.find(second), undefined)
})
