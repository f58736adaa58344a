import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keep, type NotificationFrame } from '../../protocol.ts'
import { Inbox } from './inbox.ts'

const frame = (cursor: number) => ({ cursor }) as NotificationFrame
const cursors = (inbox: Inbox) => inbox.frames.map(({ cursor }) => cursor)

test('a frame that a stream repeats is taken once', () => {
  const inbox = new Inbox()
  assert.deepEqual(
    [3, 3, 2, 4].map((cursor) => inbox.take(frame(cursor))),
    [true, false, false, true],
  )
  assert.deepEqual([cursors(inbox), inbox.cursor], [[3, 4], 4])
})

test('only the last ones are kept', () => {
  const inbox = new Inbox()
  for (let cursor = 1; cursor <= keep.notificationsPerUser + 2; cursor++) inbox.take(frame(cursor))
  assert.deepEqual([inbox.frames.length, inbox.frames[0]?.cursor], [keep.notificationsPerUser, 3])
})

test('who has read to an empty end goes on from there, and one who took a frame from behind it', () => {
  const empty = new Inbox()
  empty.caughtUp(0)
  assert.equal(empty.cursor, 0)
  const some = new Inbox()
  some.take(frame(7))
  some.caughtUp(0)
  assert.equal(some.cursor, 7)
})

test('emptied, it takes from the beginning again', () => {
  const inbox = new Inbox()
  inbox.take(frame(7))
  inbox.empty()
  assert.deepEqual([cursors(inbox), inbox.cursor], [[], undefined])
  assert.equal(inbox.take(frame(1)), true)
})
