import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from 'amqplib'
import { propertiesOf, toRecord } from './records.ts'

const messageWith = (headers: unknown): Message =>
  ({ content: Buffer.from('{}'), fields: {}, properties: { headers } }) as Message

test('a record comes back as it was sent', () => {
  const sent = { topic: 't', key: 'ключ', value: Buffer.from('{}'), headers: { ce_id: 'e1', empty: '' } }
  const { headers, ...record } = toRecord('t', messageWith(propertiesOf(sent).headers))
  assert.deepEqual({ ...record, headers: { ...headers } }, { ...sent, place: undefined })
})

test('a record of another program is read as far as it has texts, whatever its headers are', () => {
  const hostile = JSON.parse('{"__proto__": "p", "constructor": "c"}')
  const { key, headers, place } = toRecord(
    't',
    messageWith({
      ...hostile,
      svyaz_key: { toString: 'not a function' },
      'x-stream-offset': 0.5,
      'x-death': [{ count: 1 }],
      CE_ID: Buffer.from('e1'),
      n: 7,
      yes: true,
      at: { '!': 'timestamp', value: 1 },
      nothing: null,
    }),
  )
  assert.deepEqual([key, place], ['', undefined])
  assert.deepEqual(Object.entries(headers).sort(), [
    ['__proto__', 'p'],
    ['ce_id', 'e1'],
    ['constructor', 'c'],
    ['n', '7'],
    ['yes', 'true'],
  ])
})

test('a place is an offset that a stream can have', () => {
  const placeOf = (offset: unknown) => toRecord('t', messageWith({ 'x-stream-offset': offset })).place
  assert.deepEqual(placeOf(3), { partition: 0, offset: 3n })
  for (const offset of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '3', null, {}])
    assert.equal(placeOf(offset), undefined, String(offset))
  assert.equal(toRecord('t', messageWith(undefined)).key, '')
})
