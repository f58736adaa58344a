import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredEvent } from '../api.ts'
import { eventBytesMax } from './outbox.ts'
import { splitByBytes } from './publisher.ts'

const event = (id: string, bytes: number): StoredEvent => ({
  id,
  topic: 't',
  type: 't',
  key: 'k',
  subject: 'k',
  data: 'x'.repeat(bytes),
  time: '',
  traceparent: undefined,
})

test('splits what is unsent into requests below the limit, in order and losing none', () => {
  const half = eventBytesMax / 2
  const events = [event('1', 10), event('2', half), event('3', half), event('4', eventBytesMax), event('5', 1)]
  assert.deepEqual(
    splitByBytes(events).map((batch) => batch.map(({ id }) => id)),
    [['1', '2'], ['3'], ['4'], ['5']],
  )
  assert.deepEqual(splitByBytes([]), [])
})
