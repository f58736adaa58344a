import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type DeadLetter,
  readDeadLetters,
  readPlace,
  stateOf,
  toDeadLetter,
  toReplay,
  toReplayMark,
  whyNot,
} from './dead-letter.ts'
import type { IncomingRecord, OutgoingRecord } from './transport.ts'

const record: IncomingRecord = {
  topic: 'orders.events',
  key: 'order-1',
  value: Buffer.from('{"n":1}'),
  headers: { ce_id: 'e1', ce_type: 'order.created', ce_time: '2026-11-21T10:00:00.000Z', traceparent: '00-a-b-01' },
  place: { partition: 3, offset: 17n },
}
const failure = { consumer: 'payments', error: 'Error: no', attempts: 5, at: '2026-11-21T10:01:00.000Z' }
let offset = 0n
const landed = ({ topic, key, value, headers }: OutgoingRecord): IncomingRecord => ({
  topic,
  key,
  value,
  headers,
  place: { partition: 0, offset: offset++ },
})
const only = (letters: DeadLetter[]): DeadLetter => {
  assert.equal(letters.length, 1)
  return letters[0]!
}

describe('dead letters', () => {
  test('keep key, value and headers, and say who failed, how often, why and where', () => {
    const letter = toDeadLetter(record, failure)
    assert.equal(letter.topic, 'orders.events.dlq')
    assert.equal(letter.key, 'order-1')
    assert.equal(letter.value, record.value)
    assert.deepEqual(letter.headers, {
      ...record.headers,
      svyaz_consumer: 'payments',
      svyaz_error: 'Error: no',
      svyaz_attempts: '5',
      svyaz_failed_at: '2026-11-21T10:01:00.000Z',
      svyaz_topic: 'orders.events',
      svyaz_place: '3/17',
    })

    test('of headers that no transport takes, the short ones are kept', () => {
      const headers = { huge: 'x'.repeat(60_000), ['n'.repeat(250)]: 'y', ...record.headers, large: 'ü'.repeat(10_000) }
      const { svyaz_error, svyaz_attempts, svyaz_failed_at, svyaz_topic, svyaz_place, svyaz_consumer, ...kept } =
        toDeadLetter({ ...record, headers }, failure).headers
      assert.deepEqual(kept, { ...record.headers, large: 'ü'.repeat(10_000) })
    })
  })

  test('a replay is the record as it was, with its event id, addressed to its consumer', () => {
    const letter = only(readDeadLetters([landed(toDeadLetter(record, failure))]))
    assert.deepEqual(toReplay(letter), {
      topic: 'orders.events',
      key: 'order-1',
      value: record.value,
      headers: { ...record.headers, svyaz_consumer: 'payments' },
    })
  })

  test('one letter per consumer and event, the newest; another consumer has its own', () => {
    const letters = readDeadLetters([
      landed(toDeadLetter(record, failure)),
      landed(toDeadLetter(record, { ...failure, consumer: 'delivery' })),
      landed(toDeadLetter(record, { ...failure, attempts: 9 })),
    ])
    assert.deepEqual(
      letters.map(({ consumer, attempts }) => [consumer, attempts]),
      [
        ['delivery', 5],
        ['payments', 9],
      ],
    )
  })

  test('a mark says when it was sent back and where to, until it fails again', () => {
    const first = landed(toDeadLetter(record, failure))
    const replay = { at: '2026-11-21T11:00:00.000Z', place: { partition: 3, offset: 20n } }
    const mark = landed(toReplayMark(only(readDeadLetters([first])), replay))
    assert.deepEqual(only(readDeadLetters([first, mark])).replay, replay)
    const again = landed(toDeadLetter(record, { ...failure, at: '2026-11-21T11:00:01.000Z' }))
    assert.equal(only(readDeadLetters([first, mark, again])).replay, undefined)
  })

  test('a mark that was written after the replay failed again settles the old letter, not the new one', () => {
    const first = landed(toDeadLetter(record, failure))
    const letter = only(readDeadLetters([first]))
    const again = landed(toDeadLetter(record, { ...failure, at: '2026-11-21T11:00:01.000Z' }))
    const mark = landed(toReplayMark(letter, { at: '2026-11-21T11:00:02.000Z', place: undefined }))
    assert.equal(only(readDeadLetters([first, again, mark])).replay, undefined)
    const late = landed(toReplayMark(only(readDeadLetters([first, again])), { at: 'x', place: undefined }))
    assert.equal(only(readDeadLetters([first, again, mark, late])).replay?.at, 'x')
  })

  test('a letter is outstanding, sent back, and settled once its consumer is behind the replay', () => {
    const letter = only(readDeadLetters([landed(toDeadLetter(record, failure))]))
    assert.equal(stateOf(letter, new Map([[3, 100n]])), 'outstanding')
    const sent = { ...letter, replay: { at: '', place: { partition: 3, offset: 20n } } }
    assert.equal(stateOf(sent, new Map()), 'sent back')
    assert.equal(stateOf(sent, new Map([[3, 20n]])), 'sent back')
    assert.equal(stateOf(sent, new Map([[2, 99n]])), 'sent back')
    assert.equal(stateOf(sent, new Map([[3, 21n]])), 'settled')
    assert.equal(stateOf({ ...letter, replay: { at: '', place: undefined } }, new Map([[3, 99n]])), 'sent back')
  })

  test('a letter is refused when the inbox may have forgotten it, or nobody can tell', () => {
    const letter = only(readDeadLetters([landed(toDeadLetter(record, failure))]))
    const failedAt = Date.parse(letter.failedAt)
    const day = 24 * 60 * 60 * 1_000
    assert.equal(whyNot(letter, failedAt + 6 * day), undefined)
    assert.match(whyNot(letter, failedAt + 6 * day + 1)!, /six days/)
    assert.match(whyNot({ ...letter, failedAt: '' }, failedAt)!, /when it failed/)
    assert.match(whyNot({ ...letter, id: undefined }, failedAt)!, /not an event/)
    assert.match(whyNot({ ...letter, consumer: '' }, failedAt)!, /name the consumer/)
  })

  test('what is not a place is none', () => {
    assert.deepEqual(readPlace('3/17'), { partition: 3, offset: 17n })
    for (const text of [undefined, '', '3', '3/', '/17', '-1/2', '3/17/1', '1e3/2']) {
      assert.equal(readPlace(text), undefined, String(text))
    }
  })
})
