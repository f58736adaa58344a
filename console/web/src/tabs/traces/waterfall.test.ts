import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TelemetrySpan } from '@svyaz/contracts/telemetry.ts'
import { waterfallOf } from './waterfall.ts'

const trace = 'a'.repeat(32)
const other = 'b'.repeat(32)
const id = (number: number) => number.toString(16).padStart(16, '0')
const startNanos = 1_795_717_421_000_000_000n

const span = (
  number: number,
  fromMs: number,
  toMs: number,
  parent?: number,
  rest: Partial<TelemetrySpan> = {},
): TelemetrySpan => ({
  traceId: trace,
  spanId: id(number),
  ...(parent === undefined ? {} : { parentSpanId: id(parent) }),
  name: `span ${number}`,
  kind: 'internal',
  service: 'orders',
  instance: 'orders-1',
  startTimeUnixNano: String(startNanos + BigInt(fromMs) * 1_000_000n),
  endTimeUnixNano: String(startNanos + BigInt(toMs) * 1_000_000n),
  attributes: {},
  status: { code: 'unset' },
  links: [],
  events: [],
  ...rest,
})
const shape = (spans: readonly TelemetrySpan[]) =>
  waterfallOf(spans).rows.map(({ span: { name }, depth }) => `${' '.repeat(depth)}${name}`)

test('children are under their parents in the order of their start, whatever order they came in', () => {
  const spans = [span(3, 30, 40, 1), span(2, 10, 20, 1), span(4, 12, 15, 2), span(1, 0, 50)]
  assert.deepEqual(shape(spans), ['span 1', ' span 2', '  span 4', ' span 3'])
})

test('what a message started is under whoever sent it, also in another trace', () => {
  const taken = span(5, 80, 95, undefined, { traceId: other, links: [{ traceId: trace, spanId: id(2) }] })
  const { rows, totalMs } = waterfallOf([taken, span(2, 10, 20, 1), span(1, 0, 50)])
  const row = rows.find((one) => one.span === taken)
  assert.deepEqual([row?.depth, row?.linked, row?.startMs], [2, true, 80])
  assert.equal(totalMs, 95)
})

test('a span’s own time is what no child covers, overlapping ones counted once', () => {
  const spans = [span(1, 0, 100), span(2, 10, 40, 1), span(3, 30, 60, 1), span(4, 90, 130, 1)]
  assert.equal(waterfallOf(spans).rows[0]?.ownMs, 40)
})

test('the critical path leads from the start to what ended last', () => {
  const spans = [span(1, 0, 50), span(2, 5, 20, 1), span(3, 6, 90, 1), span(4, 60, 88, 3)]
  const critical = waterfallOf(spans).rows.filter((row) => row.critical)
  assert.deepEqual(
    critical.map((row) => row.span.name),
    ['span 1', 'span 3'],
  )
})

test('links in a ring, a parent that isn’t kept and a clock that went back break nothing', () => {
  const ring = [
    span(1, 0, 10, undefined, { links: [{ traceId: trace, spanId: id(2) }] }),
    span(2, 5, 9, undefined, { links: [{ traceId: trace, spanId: id(1) }] }),
    span(3, 7, 3, 99),
  ]
  const { rows } = waterfallOf(ring)
  assert.equal(rows.length, 3)
  assert.ok(rows.every(({ durationMs }) => durationMs >= 0))
})

test('a trace of three thousand spans under each other is drawn, not refused', () => {
  const deep = Array.from({ length: 3_000 }, (_, at) => span(at + 1, at, 10_000, at === 0 ? undefined : at))
  assert.equal(waterfallOf(deep).rows.at(-1)?.depth, 2_999)
})
