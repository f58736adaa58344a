import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { LetterState, ListedLetter } from '@svyaz/kit/operator'
import { causeOf, causesOf } from './dead-letter-causes.ts'

let at = 0
const letter = (error: string, state: LetterState = 'outstanding', consumer = 'payments'): ListedLetter => {
  at += 1
  return {
    place: { partition: 0, offset: BigInt(at) },
    id: `event-${at}`,
    type: 'order.created',
    topic: 'orders.events',
    key: 'order',
    consumer,
    error,
    attempts: 1,
    failedAt: new Date(at * 1_000).toISOString(),
    time: undefined,
    origin: undefined,
    traceparent: undefined,
    replay: undefined,
    value: '{}',
    record: { topic: 'orders.events.dlq', key: 'order', value: Buffer.alloc(0), headers: {}, place: undefined },
    state,
  }
}

test('a cause is an error without what differs from one letter to the next', () => {
  assert.equal(causeOf(`order ${randomUUID()} is gone`), causeOf(`order ${randomUUID()} is gone`))
  assert.equal(causeOf('at offset 1234 of 5'), 'at offset … of 5')
  assert.equal(causeOf('invalid value\n  at somewhere'), 'invalid value')
})

test('letters of one cause are one; what is outstanding comes first and can be sent back', () => {
  const settled = letter('no such product', 'settled', 'orders')
  const first = letter(`order ${randomUUID()} is gone`)
  const second = letter(`order ${randomUUID()} is gone`)
  const done = letter(`order ${randomUUID()} is gone`, 'sent back')
  const newer = letter('no such product', 'settled', 'orders')
  const causes = causesOf([settled, first, second, done, newer])
  assert.deepEqual(
    causes.map(({ consumer, letters, outstanding, ids }) => [consumer, letters, outstanding, ids]),
    [
      ['payments', 3, 2, [first.id, second.id]],
      ['orders', 2, 0, []],
    ],
  )
  assert.deepEqual([causes[0]?.firstAt, causes[0]?.lastAt], [first.failedAt, done.failedAt])
})
