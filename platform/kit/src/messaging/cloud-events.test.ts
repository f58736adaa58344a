import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StoredEvent } from '../api.ts'
import { decodeEvent, encodeEvent } from './cloud-events.ts'

const stored: StoredEvent = {
  id: '0198c5a1-0000-7000-8000-000000000001',
  topic: 'orders.events',
  type: 'order.created',
  key: 'order-1',
  subject: 'order-1',
  data: { total: 5, name: 'Связь' },
  time: '2026-11-21T10:00:00.123Z',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}
const sent = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'

describe('CloudEvents in binary mode', () => {
  test('has the headers of the Kafka protocol binding, and the traceparent of the sending span', () => {
    const record = encodeEvent(stored, '/orders', sent)
    assert.deepEqual(record.headers, {
      ce_specversion: '1.0',
      ce_id: stored.id,
      ce_type: 'order.created',
      ce_source: '/orders',
      ce_subject: 'order-1',
      ce_time: '2026-11-21T10:00:00.123Z',
      'content-type': 'application/json',
      traceparent: sent,
    })
    assert.equal(record.key, 'order-1')
    assert.equal(record.value.toString(), '{"total":5,"name":"Связь"}')
  })

  test('reads back what it wrote', () => {
    assert.deepEqual(decodeEvent(encodeEvent(stored, '/orders', sent)), {
      event: {
        id: stored.id,
        type: stored.type,
        source: '/orders',
        subject: 'order-1',
        time: stored.time,
        data: stored.data,
        traceparent: sent,
      },
    })
  })

  test('leaves the traceparent out when there is none', () => {
    assert.equal('traceparent' in encodeEvent(stored, '/orders', undefined).headers, false)
  })

  const { headers, value } = encodeEvent(stored, '/orders', sent)
  const broken: [name: string, record: { headers: Record<string, string>; value: Buffer }, reason: RegExp][] = [
    ['no attributes at all', { headers: {}, value }, /^no ce_specversion, ce_id, ce_type, ce_source$/],
    ['an empty id', { headers: { ...headers, ce_id: '' }, value }, /^no ce_id$/],
    ['an id that no database takes', { headers: { ...headers, ce_id: 'a\0b' }, value }, /^ce_id is longer .* NUL/],
    ['an id that no index takes', { headers: { ...headers, ce_id: 'x'.repeat(501) }, value }, /^ce_id is longer/],
    ['another specification', { headers: { ...headers, ce_specversion: '0.3' }, value }, /0\.3/],
    ['another content type', { headers: { ...headers, 'content-type': 'text/plain' }, value }, /text\/plain/],
    ['a value that is not JSON', { headers, value: Buffer.from('{') }, /not JSON/],
    ['no value', { headers, value: Buffer.alloc(0) }, /not JSON/],
  ]
  for (const [name, record, reason] of broken) {
    test(`says what is wrong: ${name}`, () => {
      const decoded = decodeEvent({ ...record, key: 'k' })
      assert.ok('broken' in decoded)
      assert.match(decoded.broken, reason)
    })
  }

  test('takes the key for a missing subject', () => {
    const { ce_subject: _, ...without } = headers as Record<string, string>
    const decoded = decodeEvent({ headers: without, value, key: 'order-9' })
    assert.ok('event' in decoded)
    assert.equal(decoded.event.subject, 'order-9')
  })
})
