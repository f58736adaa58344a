import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleSpan, linkTo, spanIdOf, traceIdOf } from '../test/example-span.ts'
import { add, emptyStore, findTraces, type StoreLimits, services, spansOf, type TraceStore } from './trace-store.ts'

const limits: StoreLimits = { spansMax: 100, bytesMax: 1_000_000, spansPerTraceMax: 50, spanBytesMax: 10_000 }

/** What the counters must say, counted again from the traces. */
function assertSums(store: TraceStore, note: string): void {
  let spans = 0
  let bytes = 0
  const linkedFrom = new Map<string, Map<string, number>>()
  for (const trace of store.traces.values()) {
    let traceBytes = 0
    for (const kept of trace.spans.values()) {
      spans += 1
      traceBytes += kept.bytes
      for (const link of kept.span.links) {
        const sources = linkedFrom.get(link.traceId) ?? new Map<string, number>()
        linkedFrom.set(link.traceId, sources.set(trace.traceId, (sources.get(trace.traceId) ?? 0) + 1))
      }
    }
    assert.equal(trace.bytes, traceBytes, note)
    assert.ok(trace.spans.size > 0, `${note}: no empty trace stays`)
    bytes += traceBytes
  }
  assert.deepEqual([store.spans, store.bytes], [spans, bytes], note)
  assert.deepEqual(store.linkedFrom, linkedFrom, note)
}

test('spans are answered in the order of their start, whatever the order of arrival', () => {
  const store = emptyStore()
  for (const span of [3, 1, 2]) add(store, exampleSpan(1, span), limits)
  assert.deepEqual(
    spansOf(store, traceIdOf(1))?.map((span) => span.spanId),
    [1, 2, 3].map(spanIdOf),
  )
  assert.equal(spansOf(store, traceIdOf(2)), undefined)
})

test('a span sent again replaces itself', () => {
  const store = emptyStore()
  add(store, exampleSpan(1, 1, { links: [linkTo(2, 1)] }), limits)
  add(store, exampleSpan(1, 1, { name: 'again', links: [linkTo(2, 1)] }), limits)
  assert.deepEqual(
    spansOf(store, traceIdOf(1))?.map((span) => span.name),
    ['again'],
  )
  assertSums(store, 'sent again')
})

test('the trace that has been silent longest goes first', () => {
  const store = emptyStore()
  const three = { ...limits, spansMax: 3 }
  for (const trace of [1, 2, 3]) add(store, exampleSpan(trace, 1), three)
  add(store, exampleSpan(1, 2), three)
  assert.deepEqual([...store.traces.keys()], [traceIdOf(3), traceIdOf(1)])
  assert.equal(store.tracesDropped, 1)
})

test('one trace, and one span, may only grow so far', () => {
  const store = emptyStore()
  const narrow = { ...limits, spansPerTraceMax: 2 }
  assert.deepEqual(
    [1, 2, 3, 2].map((span) => add(store, exampleSpan(1, span), narrow)),
    [true, true, false, true],
  )
  assert.equal(add(store, exampleSpan(2, 1, { name: 'x'.repeat(20_000) }), narrow), false)
  assert.equal(store.spansRefused, 2)
  assert.equal(spansOf(store, traceIdOf(2)), undefined)
  assertSums(store, 'refused')
})

test('seeded arrivals: the limits hold and the counters stay true', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const store = emptyStore()
    const tight = { spansMax: 20, bytesMax: 6_000, spansPerTraceMax: 8, spanBytesMax: 900 }
    for (let step = 0; step < 150; step += 1) {
      const links = Array.from({ length: random(3) }, () => linkTo(1 + random(9), 1 + random(9)))
      add(store, exampleSpan(1 + random(9), 1 + random(12), { links, name: 'n'.repeat(random(600)) }), tight)
      assertSums(store, `seed ${seed} step ${step}`)
      assert.ok(store.spans <= 20 && (store.bytes <= 6_000 || store.traces.size === 1), `seed ${seed} step ${step}`)
    }
    assert.ok(store.tracesDropped > 0, `seed ${seed} dropped nothing`)
  }
})

test('finding: service and attributes on one span, since, limit, newest first', () => {
  const store = emptyStore()
  add(store, exampleSpan(1, 1, { attributes: { 'order.id': 'o-1', n: 7 } }), limits)
  add(store, exampleSpan(1, 2, { service: 'payments', startMs: 2 }), limits)
  add(
    store,
    exampleSpan(2, 1, { attributes: { 'order.id': 'o-2' }, startMs: 5_000, status: { code: 'error' } }),
    limits,
  )
  const ids = (query: Partial<Parameters<typeof findTraces>[1]>) =>
    findTraces(store, { attributes: {}, limit: 10, ...query }).map((trace) => trace.traceId)
  assert.deepEqual(ids({}), [traceIdOf(2), traceIdOf(1)])
  assert.deepEqual(ids({ limit: 1 }), [traceIdOf(2)])
  assert.deepEqual(ids({ service: 'payments' }), [traceIdOf(1)])
  assert.deepEqual(ids({ attributes: { 'order.id': 'o-1', n: '7' } }), [traceIdOf(1)])
  assert.deepEqual(ids({ attributes: { 'order.id': 'o-1' }, service: 'payments' }), [])
  assert.deepEqual(ids({ attributes: { constructor: 'x' } }), [])
  assert.deepEqual(ids({ sinceUnixNano: 5_000_000_000n }), [traceIdOf(2)])
  assert.deepEqual(ids({ sinceUnixNano: 5_000_000_001n }), [])
  const [second, first] = findTraces(store, { attributes: {}, limit: 10 })
  assert.deepEqual(
    [first?.services, first?.durationMs, first?.spanCount, first?.errorCount],
    [['orders', 'payments'], 2, 2, 0],
  )
  assert.equal(second?.errorCount, 1)
})

test('services with their instances', () => {
  const store = emptyStore()
  add(store, exampleSpan(1, 1, { instance: 'orders-2', status: { code: 'error' } }), limits)
  add(store, exampleSpan(1, 2), limits)
  add(store, exampleSpan(1, 3, { service: 'gateway', instance: '' }), limits)
  assert.deepEqual(services(store), [
    { service: 'gateway', instances: [], spanCount: 1, errorCount: 0 },
    { service: 'orders', instances: ['orders-1', 'orders-2'], spanCount: 2, errorCount: 1 },
  ])
})
