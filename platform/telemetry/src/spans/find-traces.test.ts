import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exampleSpan, storeIn, traceIdOf } from '../../test/example-span.ts'
import { findTraces, type TraceQuery } from './find-traces.ts'
import type { Span } from './span.ts'

function storeOf(t: TestContext, ...spans: Span[]) {
  const directory = mkdtempSync(join(tmpdir(), 'telemetry-find-'))
  const store = storeIn(directory)
  t.after(() => {
    store[Symbol.dispose]()
    rmSync(directory, { recursive: true })
  })
  // In exports of their own, as they come.
  for (const span of spans) store.add([span], 0)
  const find = (query: Partial<TraceQuery> = {}) => findTraces(store, { attributes: {}, limit: 10, ...query })
  const ids = async (query: Partial<TraceQuery> = {}) =>
    (await find(query)).traces.map(({ traceId }) => Number.parseInt(traceId, 16))
  return { find, ids }
}

test('finding: what is asked holds for one span; newest first', async (t) => {
  const { find, ids } = storeOf(
    t,
    exampleSpan(1, 1, { attributes: { 'order.id': 'o-1', n: 7 } }),
    exampleSpan(1, 2, { service: 'payments', startMs: 2, kind: 'server', parentSpanId: '0000000000000001' }),
    exampleSpan(2, 1, {
      attributes: { 'order.id': 'o-2', 'url.path': '/orders/o-2/story' },
      startMs: 5_000,
      endTimeUnixNano: '5250000000',
      name: 'GET /orders',
      status: { code: 'error' },
    }),
  )
  assert.deepEqual(await ids(), [2, 1])
  assert.deepEqual(await ids({ limit: 1 }), [2])
  assert.deepEqual(await ids({ service: 'payments' }), [1])
  assert.deepEqual(await ids({ service: 'nobody' }), [])
  assert.deepEqual(await ids({ operation: 'GET /orders' }), [2])
  assert.deepEqual(await ids({ kind: 'server' }), [1])
  assert.deepEqual(await ids({ minDurationMs: 250 }), [2])
  assert.deepEqual(await ids({ minDurationMs: 250.1 }), [])
  assert.deepEqual(await ids({ maxDurationMs: 249 }), [1])
  assert.deepEqual(await ids({ error: true }), [2])
  assert.deepEqual(await ids({ error: false }), [1])
  assert.deepEqual(await ids({ attributes: { 'order.id': 'o-1', n: '7' } }), [1])
  assert.deepEqual(await ids({ attributes: { 'order.id': 'o-1' }, service: 'payments' }), [])
  assert.deepEqual(await ids({ attributes: { constructor: 'x' } }), [])
  assert.deepEqual(await ids({ attributes: { n: '77' } }), [])
  assert.deepEqual(await ids({ mention: 'o-2' }), [2])
  assert.deepEqual(await ids({ mention: 'GET' }), [], 'names are not attributes')
  assert.deepEqual(await ids({ fromMs: 5_000 }), [2])
  assert.deepEqual(await ids({ fromMs: 5_001 }), [])
  assert.deepEqual(await ids({ toMs: 4_999 }), [1])
  assert.deepEqual((await find()).traces, [
    {
      traceId: traceIdOf(2),
      name: 'GET /orders',
      service: 'orders',
      startTimeUnixNano: '5000000000',
      durationMs: 250,
      spanCount: 1,
      errorCount: 1,
      services: ['orders'],
    },
    {
      traceId: traceIdOf(1),
      name: 'span 1',
      service: 'orders',
      startTimeUnixNano: '1000000',
      durationMs: 2,
      spanCount: 2,
      errorCount: 0,
      services: ['orders', 'payments'],
    },
  ])
})

test('an attribute is only one of the span itself, whatever its text looks like', async (t) => {
  const event = { name: 'e', timeUnixNano: '1', attributes: { 'order.id': 'o-1' } }
  const { ids } = storeOf(
    t,
    exampleSpan(1, 1, { events: [event] }),
    exampleSpan(2, 1, { attributes: { 'order.id': 'o-1', 'quoted "é"': [1, { a: '\n' }] } }),
  )
  assert.deepEqual(await ids({ attributes: { 'order.id': 'o-1' } }), [2])
  assert.deepEqual(await ids({ mention: 'o-1' }), [2])
  assert.deepEqual(await ids({ attributes: { 'quoted "é"': '[1,{"a":"\\n"}]' } }), [2])
})
