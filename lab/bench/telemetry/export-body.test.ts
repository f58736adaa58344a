import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExportBody, spansPerExport } from './export-body.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

const spansOf = (body: ExportBody): Span[] => JSON.parse(body.bytes.toString()).resourceSpans[0].scopeSpans[0].spans

test('an export becomes the next one in place: its spans, traces and times are those of no other', () => {
  const body = new ExportBody(3, 'f'.repeat(16))
  const seen: Span[] = []
  for (const [number, endMs] of [
    [0, 1_795_000_000_000],
    [1, 1_795_000_000_050],
    [4_000_000, 1_795_000_900_000],
  ] as const) {
    body.become(number, endMs)
    const spans = spansOf(body)
    assert.equal(spans.length, spansPerExport)
    assert.equal(spans[0]?.traceId, body.firstTraceId)
    assert.ok(spans.every(({ endTimeUnixNano }) => endTimeUnixNano === `${endMs}000000`))
    assert.ok(spans.every(({ startTimeUnixNano }) => startTimeUnixNano === `${endMs - 3}000000`))
    seen.push(...spans)
  }
  assert.ok(seen.every(({ traceId, spanId }) => /^f{16}[0-9a-f]{16}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId)))
  assert.equal(new Set(seen.map(({ spanId }) => spanId)).size, seen.length)
  const traces = Map.groupBy(seen, ({ traceId }) => traceId)
  assert.ok([...traces.values()].every((spans) => spans.length === 10))
})
