import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpanBatch } from './span-batch.ts'

const frame = { head: '{"spans":[', tail: ']}' }
const textOf = (batch: SpanBatch) => Buffer.from(batch.body()).toString()

test('an empty batch is a whole body', () => {
  const batch = new SpanBatch(frame)
  assert.deepEqual([batch.spans, textOf(batch)], [0, '{"spans":[]}'])
})

test('spans stand in their order, whatever letters they have and however many they are', () => {
  const batch = new SpanBatch(frame)
  const spans = Array.from({ length: 3_000 }, (_, index) => `ы${index} ${'€'.repeat(index % 40)} \u{1f69a}`)
  for (const span of spans) batch.add(JSON.stringify(span))
  assert.equal(batch.spans, spans.length)
  assert.deepEqual(JSON.parse(textOf(batch)), { spans })
})

test('a body that was refused for now is the same when it is sent again, with what came meanwhile behind it', () => {
  const batch = new SpanBatch(frame)
  batch.add('1')
  assert.equal(textOf(batch), textOf(batch))
  batch.add('2')
  assert.equal(textOf(batch), '{"spans":[1,2]}')
})
