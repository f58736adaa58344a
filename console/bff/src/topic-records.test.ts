import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadRecord } from '@svyaz/kit/operator'
import { limits } from './limits.ts'
import { askedOf, matcherOf, rangesOf, viewOf } from './topic-records.ts'

const asked = (text: string) => askedOf(new URLSearchParams(text))
const spans = [
  { partition: 0, beginning: 5n, end: 300n },
  { partition: 1, beginning: 0n, end: 3n },
]
const recordWith = (key: string, headers: Record<string, string>, value = '{}'): ReadRecord => ({
  offset: 7n,
  leaderEpoch: 0,
  timestampMs: 1_000,
  record: { topic: 't', key, headers, value: Buffer.from(value), place: { partition: 1, offset: 7n } },
})

test('the newest are the last of each partition, never before its beginning', () => {
  assert.deepEqual(
    [...rangesOf(asked('limit=10'), spans, new Map())],
    [
      [0, { from: 290n, until: 300n }],
      [1, { from: 0n, until: 3n }],
    ],
  )
})

test('with a filter they may be far from the end: as much is read as one answer may', () => {
  const ranges = rangesOf(asked('key=a&limit=10'), [{ partition: 0, beginning: 0n, end: 1_000_000n }], new Map())
  assert.deepEqual(ranges.get(0), { from: 1_000_000n - BigInt(limits.recordsReadMax), until: 1_000_000n })
})

test('from an offset, from a time, of one partition', () => {
  assert.deepEqual(
    [...rangesOf(asked('from=offset&offset=2&partition=0'), spans, new Map())],
    [[0, { from: 5n, until: 300n }]],
  )
  const byTime = rangesOf(asked('from=time&time=2026-11-26T12:00:00Z'), spans, new Map([[0, 42n]]))
  assert.deepEqual([byTime.get(0)?.from, byTime.get(1)?.from], [42n, 3n], 'nothing so late is in the second')
})

test('a key is the whole key; a header is there, or has this in it; a path is found in the value', async () => {
  const record = recordWith('order-1', { ce_type: 'order.created' }, '{"items":[{"id":"P-1"}]}')
  const fits = async (text: string) => (await matcherOf(asked(text).filter))(record)
  const questions = [
    '',
    'key=order-1',
    'key=order',
    'header=ce_type',
    'header=ce_type%3Dcreated',
    'header=ce_type%3Dpaid',
    'header=x',
    'path=items[0].id%3DP-1',
    'path=items[0].id%3DP-2',
    'key=order-2&path=items',
  ]
  assert.deepEqual(await Promise.all(questions.map(fits)), [
    true,
    true,
    false,
    true,
    true,
    false,
    false,
    true,
    false,
    false,
  ])
  await assert.rejects(fits('path=items['), { code: 'invalid_request' })
})

test('a question that can not be meant is refused', () => {
  for (const text of ['from=yesterday', 'from=time&time=soon', 'offset=-1', 'partition=one', 'limit=1e9'])
    assert.throws(() => asked(text), { code: 'invalid_request' }, text)
})

test('a long value is cut, and its size told; the trace is that of its header', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const view = viewOf(recordWith('k', { traceparent }, 'x'.repeat(limits.recordBytesShown + 1)))
  assert.deepEqual(
    [view.value.length, view.bytes, view.traceId],
    [limits.recordBytesShown, limits.recordBytesShown + 1, '0af7651916cd43dd8448eb211c80319c'],
  )
})
