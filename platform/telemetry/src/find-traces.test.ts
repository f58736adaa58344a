import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addTo, exampleSpan, traceIdOf } from '../test/example-span.ts'
import { findTraces, services } from './find-traces.ts'
import { TraceStore } from './trace-store.ts'

const limits = { spansMax: 100, bytesMax: 1_000_000, spansPerTraceMax: 50, spanBytesMax: 10_000 }

test('finding: service and attributes on one span, since, limit, newest first', () => {
  const store = new TraceStore(limits)
  addTo(store, exampleSpan(1, 1, { attributes: { 'order.id': 'o-1', n: 7 } }))
  addTo(store, exampleSpan(1, 2, { service: 'payments', startMs: 2 }))
  addTo(store, exampleSpan(2, 1, { attributes: { 'order.id': 'o-2' }, startMs: 5_000, status: { code: 'error' } }))
  const ids = (query: Partial<Parameters<typeof findTraces>[1]>) =>
    findTraces(store, { attributes: {}, limit: 10, ...query }).map((trace) => trace.traceId)
  assert.deepEqual(ids({}), [traceIdOf(2), traceIdOf(1)])
  assert.deepEqual(ids({ limit: 1 }), [traceIdOf(2)])
  assert.deepEqual(ids({ service: 'payments' }), [traceIdOf(1)])
  assert.deepEqual(ids({ attributes: { 'order.id': 'o-1', n: '7' } }), [traceIdOf(1)])
  assert.deepEqual(ids({ attributes: { 'order.id': 'o-1' }, service: 'payments' }), [])
  assert.deepEqual(ids({ attributes: { constructor: 'x' } }), [])
  assert.deepEqual(ids({ attributes: { n: '77' } }), [])
  assert.deepEqual(ids({ sinceUnixNano: 5_000_000_000n }), [traceIdOf(2)])
  assert.deepEqual(ids({ sinceUnixNano: 5_000_000_001n }), [])
  const [second, first] = findTraces(store, { attributes: {}, limit: 10 })
  assert.deepEqual(
    [first?.services, first?.durationMs, first?.spanCount, first?.errorCount],
    [['orders', 'payments'], 2, 2, 0],
  )
  assert.equal(second?.errorCount, 1)
})

test('an attribute is only one of the span itself, whatever its text looks like', () => {
  const store = new TraceStore(limits)
  const event = { name: 'e', timeUnixNano: '1', attributes: { 'order.id': 'o-1' } }
  addTo(store, exampleSpan(1, 1, { events: [event] }))
  addTo(store, exampleSpan(2, 1, { attributes: { 'order.id': 'o-1', 'quoted "é"': [1, { a: '\n' }] } }))
  const ids = (attributes: Record<string, string>) =>
    findTraces(store, { attributes, limit: 10 }).map((trace) => trace.traceId)
  assert.deepEqual(ids({ 'order.id': 'o-1' }), [traceIdOf(2)])
  assert.deepEqual(ids({ 'quoted "é"': '[1,{"a":"\\n"}]' }), [traceIdOf(2)])
})

test('services with their instances', () => {
  const store = new TraceStore(limits)
  addTo(store, exampleSpan(1, 1, { instance: 'orders-2', status: { code: 'error' } }))
  addTo(store, exampleSpan(1, 2))
  addTo(store, exampleSpan(1, 3, { service: 'gateway', instance: '' }))
  assert.deepEqual(services(store), [
    { service: 'gateway', instances: [], spanCount: 1, errorCount: 0 },
    { service: 'orders', instances: ['orders-1', 'orders-2'], spanCount: 2, errorCount: 1 },
  ])
})
