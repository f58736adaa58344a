import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseMicros } from '../message.ts'
import { readFrame, toRecord } from './produce.ts'

const message = {
  id: 5,
  session_id: 2,
  MC1_timestamp: '2026-03-01T10:00:00.000100Z',
  MC2_timestamp: null,
  MC3_timestamp: null,
  end_timestamp: null,
}
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const frame = JSON.stringify({ traceparent, message })
const received = (text: string) => {
  const read = readFrame(text)
  assert.ok(!('broken' in read), JSON.stringify(read))
  return read
}

describe('from a frame to a record', () => {
  test('the value is the message with its six fields and MC2’s stamp; the trace is a header', () => {
    const record = toRecord(received(frame), parseMicros(message.MC1_timestamp) + 42, traceparent)
    assert.deepEqual(JSON.parse(record.value.toString()), {
      ...message,
      MC2_timestamp: '2026-03-01T10:00:00.000142Z',
    })
    assert.equal(record.headers.traceparent, traceparent)
    assert.equal(record.headers.ce_id, '2/5')
    assert.equal(record.key, '2')
  })

  test('padding goes along behind the message', () => {
    const padded = received(frame + ' '.repeat(100))
    assert.equal(padded.padding, 100)
    const { value } = toRecord(padded, 0, traceparent)
    assert.equal(value.toString().length - value.toString().trimEnd().length, 100)
  })

  test('anything else is broken: no JSON, a field too many, one too few, no stamp of MC1', () => {
    const { end_timestamp: _, ...fewer } = message
    const wrong = [
      '{',
      JSON.stringify({ message: { ...message, seventh: 1 } }),
      JSON.stringify({ message: fewer }),
      JSON.stringify({ message: { ...message, MC1_timestamp: null } }),
      JSON.stringify({ message: { ...message, MC1_timestamp: 'yesterday' } }),
      JSON.stringify([{ message }]),
    ]
    for (const text of wrong) assert.ok('broken' in readFrame(text), text)
  })
})
