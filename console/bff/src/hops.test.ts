import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recorded } from '../../test/recorded.ts'
import { hopsOf, type Span } from './hops.ts'

const hops = hopsOf(recorded.spans)
const events = hops.filter((hop) => hop.kind === 'event')

test('a trace begins with the user at the gateway, and each call knows who answered it', () => {
  const calls = hops.filter((hop) => hop.kind === 'call')
  assert.deepEqual(
    calls.slice(0, 4).map(({ from, to, toInstance, protocol, status }) => [from, to, toInstance, protocol, status]),
    [
      ['user', 'gateway', 'gateway-1', 'http', '201'],
      ['gateway', 'orders', 'orders-1', 'http', '201'],
      ['orders', 'inventory', 'inventory-1', 'grpc', undefined],
      ['orders', 'users', 'users-1', 'http', '200'],
    ],
  )
  assert.deepEqual(
    hops.map(({ atMs }) => atMs),
    hops.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
  )
})

test('statements are counted where they were made, without begin and commit', () => {
  const created = events.find(({ type }) => type === 'order.created')
  const payments = created?.taken.find(({ by }) => by === 'payments')
  assert.equal(payments?.sql?.count, 4)
  const processor = hops.find((hop) => hop.kind === 'call' && hop.to === 'payment-processor')
  assert.ok(processor?.kind === 'call' && processor.sql === undefined && processor.name === 'POST /charges')
})

test('an event knows its place in the topic and everyone who took it', () => {
  const created = events.find(({ type }) => type === 'order.created')
  assert.equal(created?.topic, 'orders.events')
  assert.equal(typeof created?.offset, 'number')
  assert.deepEqual(created?.taken.map(({ by }) => by).sort(), ['delivery', 'inventory', 'notifications', 'payments'])
})

test('a call that failed says why; a frame and a mail know which event made them', () => {
  const failed = hops.filter((hop) => hop.kind === 'call' && hop.error !== undefined)
  assert.equal(failed.length, 3)
  assert.match(failed[0]?.error ?? '', /UNAVAILABLE/)
  const completed = events.find(({ type }) => type === 'order.completed')
  const caused = hops.filter(({ cause }) => cause === completed?.eventId)
  assert.ok(caused.some(({ kind }) => kind === 'frame'))
  assert.ok(caused.some((hop) => hop.kind === 'call' && hop.protocol === 'smtp'))
})

test('an event that was sent twice is one event; one whose sending was lost is told by who took it', () => {
  const publish = recorded.spans.find(
    (span) => span.attributes['svyaz.event.type'] === 'order.created' && span.kind === 'producer',
  )
  assert.ok(publish)
  const again: Span = { ...publish, spanId: 'f'.repeat(16) }
  assert.equal(hopsOf([...recorded.spans, again]).length, hops.length)
  const lost = hopsOf(recorded.spans.filter((span) => span !== publish))
  const told = lost.find((hop) => hop.kind === 'event' && hop.type === 'order.created')
  assert.ok(told?.kind === 'event' && told.from === 'orders' && told.taken.length === 4)
})
