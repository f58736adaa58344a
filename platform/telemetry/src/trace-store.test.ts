import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addTo, exampleSpan, linkTo, spanIdOf, traceIdOf } from '../test/example-span.ts'
import { lineOf } from './span-line.ts'
import { type StoreLimits, TraceStore } from './trace-store.ts'

const limits: StoreLimits = { spansMax: 100, bytesMax: 1_000_000, spansPerTraceMax: 50, spanBytesMax: 10_000 }

/** What the counters must say, counted again from the traces. */
function assertSums(store: TraceStore, note: string): void {
  const sources = new Map<string, [number, number]>()
  const neighbours = new Map<string, Set<string>>()
  const meet = (a: string, b: string) => neighbours.set(a, (neighbours.get(a) ?? new Set()).add(b))
  let spans = 0
  let bytes = 0
  for (const trace of store.traces()) {
    assert.ok(trace.spans.size > 0, `${note}: no empty trace stays`)
    for (const span of store.spansOf(trace.traceId) ?? []) {
      const key = `${span.service}/${span.instance}`
      const [count, errors] = sources.get(key) ?? [0, 0]
      sources.set(key, [count + 1, errors + (span.status.code === 'error' ? 1 : 0)])
      spans += 1
      bytes += Buffer.byteLength(lineOf(span))
      for (const link of span.links) {
        meet(trace.traceId, link.traceId)
        meet(link.traceId, trace.traceId)
      }
    }
  }
  assert.equal(store.spans, spans, note)
  assert.ok(store.bytes >= bytes, note)
  const told = Array.from(store.sources(), (each) => [
    `${each.service}/${each.instance}`,
    [each.spanCount, each.errorCount],
  ])
  assert.deepEqual(new Map(told as [string, [number, number]][]), sources, note)
  for (let trace = 1; trace <= 9; trace += 1)
    assert.deepEqual(store.neighbours(traceIdOf(trace)), neighbours.get(traceIdOf(trace)) ?? new Set(), note)
}

test('spans are answered in the order of their start, whatever the order of arrival', () => {
  const store = new TraceStore(limits)
  for (const span of [3, 1, 2]) addTo(store, exampleSpan(1, span))
  assert.deepEqual(
    store.spansOf(traceIdOf(1))?.map((span) => span.spanId),
    [1, 2, 3].map(spanIdOf),
  )
  assert.equal(store.spansOf(traceIdOf(2)), undefined)
})

test('a span sent again replaces itself', () => {
  const store = new TraceStore(limits)
  addTo(store, exampleSpan(1, 1, { links: [linkTo(2, 1)] }))
  addTo(store, exampleSpan(1, 1, { name: 'again', links: [linkTo(2, 1)] }))
  assert.deepEqual(
    store.spansOf(traceIdOf(1))?.map((span) => span.name),
    ['again'],
  )
  assertSums(store, 'sent again')
})

test('the trace that has been silent longest goes first', () => {
  const store = new TraceStore({ ...limits, spansMax: 3 })
  for (const trace of [1, 2, 3]) addTo(store, exampleSpan(trace, 1))
  addTo(store, exampleSpan(1, 2))
  assert.deepEqual(
    Array.from(store.traces(), ({ traceId }) => traceId),
    [traceIdOf(3), traceIdOf(1)],
  )
  assert.equal(store.tracesDropped, 1)
})

test('one trace, and one span, may only grow so far', () => {
  const store = new TraceStore({ ...limits, spansPerTraceMax: 2 })
  assert.deepEqual(
    [1, 2, 3, 2].map((span) => addTo(store, exampleSpan(1, span))),
    [true, true, false, true],
  )
  assert.equal(addTo(store, exampleSpan(2, 1, { name: 'x'.repeat(20_000) })), false)
  assert.equal(store.spansRefused, 2)
  assert.equal(store.spansOf(traceIdOf(2)), undefined)
  assertSums(store, 'refused')
})

test('seeded arrivals: the limits hold and the counters stay true', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const store = new TraceStore({ spansMax: 20, bytesMax: 6_000, spansPerTraceMax: 8, spanBytesMax: 900 })
    for (let step = 0; step < 150; step += 1) {
      const links = Array.from({ length: random(3) }, () => linkTo(1 + random(9), 1 + random(9)))
      addTo(store, exampleSpan(1 + random(9), 1 + random(12), { links, name: 'n'.repeat(random(600)) }))
      assertSums(store, `seed ${seed} step ${step}`)
      assert.ok(store.spans <= 20 && (store.bytes <= 6_000 || store.traceCount === 1), `seed ${seed} step ${step}`)
    }
    assert.ok(store.tracesDropped > 0, `seed ${seed} dropped nothing`)
  }
})
