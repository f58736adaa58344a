import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topics } from '@svyaz/contracts'
import { type RecordWish, recordOf, WriteRefused } from './operator-write.ts'

const fresh = { id: 'event-1', time: '2026-11-27T12:00:00.000Z' }
const wish: RecordWish = {
  topic: 'users.events',
  type: 'user.unblocked',
  key: '01a21afc-6fce-7a12-8a17-aa4fda13a69b',
  value: JSON.stringify({ userId: '01a21afc-6fce-7a12-8a17-aa4fda13a69b', version: 3, at: fresh.time }),
}

const faultsOf = (other: Partial<RecordWish>): string => {
  try {
    recordOf(topics, { ...wish, ...other }, fresh)
  } catch (error) {
    if (error instanceof WriteRefused) return error.message
  }
  return 'taken'
}

test('what keeps the schema becomes an event that says no service wrote it', () => {
  assert.equal(faultsOf({}), 'taken')
  const { headers, value, key } = recordOf(topics, wish, fresh)
  assert.deepEqual(
    [headers.ce_id, headers.ce_type, headers.ce_source, key],
    ['event-1', wish.type, '/operator', wish.key],
  )
  assert.deepEqual(JSON.parse(value.toString()), JSON.parse(wish.value))
})

test('what no contract allows is refused with what would be', () => {
  assert.match(
    faultsOf({ topic: 'orders.event' }),
    /no contract has the topic "orders.event": there are .*orders\.events/,
  )
  assert.match(faultsOf({ topic: 'orders.events.dlq' }), /no contract/)
  assert.match(faultsOf({ type: 'user.unblock' }), /no event "user.unblock": there are .*user\.unblocked/)
  assert.match(faultsOf({ key: '' }), /the key \(user id\)/)
  assert.match(faultsOf({ value: '{"userId"' }), /not JSON/)
  assert.match(faultsOf({ value: '{"userId":"x","version":"3"}' }), /version/)
})
