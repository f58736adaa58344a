import assert from 'node:assert/strict'
import { test } from 'node:test'
import { treeOf } from './demo-trace.ts'

const span = (spanId: string, start: number, parentSpanId?: string) => ({
  spanId,
  startTimeUnixNano: String(start),
  ...(parentSpanId === undefined ? {} : { parentSpanId }),
})

test('a trace reads depth first, siblings by their start, orphans at the root', () => {
  const spans = [span('c', 30, 'a'), span('a', 10), span('b', 20, 'a'), span('d', 25, 'b'), span('x', 5, 'gone')]
  assert.deepEqual(
    treeOf(spans).map(({ span: { spanId }, depth }) => `${spanId}${depth}`),
    ['x0', 'a0', 'b1', 'd2', 'c1'],
  )
})
