import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { relayLimits, traceparentsHeader } from '@svyaz/contracts/events/relay.ts'
import { forwardOf, portions, type Read, readRecord } from './forward.ts'

const message = {
  id: 5,
  session_id: 2,
  MC1_timestamp: '2026-03-01T10:00:00.000100Z',
  MC2_timestamp: '2026-03-01T10:00:00.000200Z',
  MC3_timestamp: null,
  end_timestamp: null,
}
const recordOf = (text: string) => ({
  topic: 'relay.messages',
  key: '2',
  value: Buffer.from(text),
  headers: {},
  place: undefined,
})
const read = (padding = 0): Read => {
  const found = readRecord(recordOf(JSON.stringify(message) + ' '.repeat(padding)))
  assert.ok(!('broken' in found))
  return found
}

describe('from records to a body', () => {
  test('one is an object with its trace, several are an array with theirs', () => {
    const one = forwardOf([read()], ['t1'])
    assert.deepEqual(JSON.parse(one.body), message)
    assert.deepEqual(one.headers, { traceparent: 't1' })
    const two = forwardOf([read(10), read()], ['t1', 't2'])
    assert.deepEqual(JSON.parse(two.body), [message, message])
    assert.deepEqual(two.headers, { [traceparentsHeader]: 't1,t2' })
    assert.equal(two.body.length, 2 * JSON.stringify(message).length + 10 + '[,]'.length)
  })

  test('bodies have a limited number of messages and bytes, in order, and nothing is left out', () => {
    const many = portions(Array.from({ length: relayLimits.messagesTogetherMax + 1 }, () => read()))
    assert.deepEqual(
      many.map((portion) => portion.length),
      [relayLimits.messagesTogetherMax, 1],
    )
    const large = portions(Array.from({ length: 40 }, () => read(32 * 1024)))
    assert.equal(large.flat().length, 40)
    for (const portion of large) {
      const { body } = forwardOf(portion, [])
      assert.ok(body.length <= relayLimits.bodyBytesMax, `${body.length}`)
    }
  })

  test('a record that is not a message, or never was with MC2, is broken', () => {
    for (const text of ['', '{}', JSON.stringify({ ...message, MC2_timestamp: null })])
      assert.ok('broken' in readRecord(recordOf(text)), text)
  })
})
