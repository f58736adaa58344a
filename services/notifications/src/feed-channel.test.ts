import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasOthers, heardFeeds, sayFeeds } from './feed-channel.ts'

test('feeds are looked at by every instance but the one that stored their frames', () => {
  const said = sayFeeds('notifications-1', ['u1', 'u2'])
  assert.deepEqual(heardFeeds('notifications-2', said), ['u1', 'u2'])
  assert.deepEqual(heardFeeds('notifications-1', said), [])
})

test('nothing is said to nobody: only where discovery knows of this instance and no other', () => {
  const [one, two] = [{ id: 'notifications-1' }, { id: 'notifications-2' }]
  assert.equal(hasOthers('notifications-1', [one]), false)
  assert.equal(hasOthers('notifications-1', [one, two]), true)
  assert.equal(hasOthers('notifications-1', [two]), true, 'it has not heard of itself yet')
  assert.equal(hasOthers('notifications-1', []), true, 'discovery has said nothing')
})

test('too many to name, a lost payload and an older version’s words: all are looked at', () => {
  const many = sayFeeds(
    'notifications-1',
    Array.from({ length: 151 }, () => '019b0000-0000-7000-8000-000000000000'),
  )
  assert.ok(Buffer.byteLength(many) < 8_000)
  assert.equal(heardFeeds('notifications-2', many), 'all')
  assert.equal(heardFeeds('notifications-2', ''), 'all')
  assert.equal(heardFeeds('notifications-2', '019b0000-0000-7000-8000-000000000000'), 'all')
  const most = Array.from({ length: 150 }, () => '019b0000-0000-7000-8000-000000000000')
  assert.ok(Buffer.byteLength(sayFeeds('notifications-12', most)) < 8_000)
})
