import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '@svyaz/stage'
import { limits } from './limits.ts'
import { createSessions } from './sessions.ts'

test('a cookie names its session among other cookies; scripts and other sites never get it', () => {
  const sessions = createSessions(() => 0)
  const session = sessions.open('::1')
  const cookie = sessions.cookie(session)
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/)
  assert.equal(sessions.find(`theme=dark; ${cookie.split(';')[0]}; other=1`), session)
  assert.equal(sessions.find('svyaz_console=guessed'), undefined)
  assert.equal(sessions.find(undefined), undefined)
  assert.notEqual(session.csrf, session.id)
})

test('an idle session ends', () => {
  let now = 0
  const sessions = createSessions(() => now)
  const cookie = sessions.cookie(sessions.open('::1'))
  now = limits.sessionIdleMs
  assert.ok(sessions.find(cookie))
  now += limits.sessionIdleMs + 1
  assert.equal(sessions.find(cookie), undefined)
})

test('a flood of sessions that nobody uses pushes out itself, whoever it comes from', () => {
  for (const flooder of ['::1', '2001:db8::1']) {
    const sessions = createSessions(() => 0)
    const page = sessions.cookie(sessions.open('::1'))
    assert.ok(sessions.find(page))
    for (let count = 0; count < 3 * limits.sessionsMax; count += 1) sessions.open(flooder)
    assert.ok(sessions.find(page), `flooded by ${flooder}`)
    assert.ok(sessions.size <= limits.sessionsPerAddressMax + 1)
  }
})

test('sessions are bounded in all, and the unused one that is oldest goes', () => {
  const sessions = createSessions(() => 0)
  const first = sessions.cookie(sessions.open('a'))
  const second = sessions.cookie(sessions.open('a'))
  for (let count = 2; count < 2 * limits.sessionsMax; count += 1) sessions.open(`address ${count}`)
  assert.equal(sessions.size, limits.sessionsMax)
  assert.equal(sessions.find(first), undefined)
  assert.equal(sessions.find(second), undefined)
})

test('who keeps as many sessions in use as there may be gets no more; those long idle make room', () => {
  let now = 0
  const sessions = createSessions(() => now)
  const cookies = Array.from({ length: limits.sessionsPerAddressMax }, () => sessions.cookie(sessions.open('a')))
  for (const cookie of cookies) assert.ok(sessions.find(cookie))
  const refused = (error: Problem) => error.status === 503 && error.headers['retry-after'] !== undefined
  assert.throws(() => sessions.open('a'), refused)
  assert.ok(sessions.open('b'), 'another address has its own')
  now = limits.sessionInUseMs + 1
  for (const cookie of cookies.slice(1)) assert.ok(sessions.find(cookie))
  assert.ok(sessions.open('a'))
  assert.equal(sessions.find(cookies[0]), undefined, 'the idle one')
  for (const cookie of cookies.slice(1)) assert.ok(sessions.find(cookie))
})
