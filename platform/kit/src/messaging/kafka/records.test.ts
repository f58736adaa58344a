import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IS_CONTROL, type RecordsBatch } from '@platformatic/kafka'
import { readBatches } from './records.ts'

const batch = (firstOffset: number, deltas: number[], options: Partial<RecordsBatch> = {}): RecordsBatch => ({
  firstOffset: BigInt(firstOffset),
  length: 0,
  partitionLeaderEpoch: 2,
  magic: 2,
  crc: 0,
  attributes: 0,
  lastOffsetDelta: deltas.at(-1) ?? 0,
  firstTimestamp: 0n,
  maxTimestamp: 0n,
  producerId: -1n,
  producerEpoch: -1,
  firstSequence: -1,
  records: deltas.map((offsetDelta) => ({
    length: 0,
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta,
    key: Buffer.from(`k${offsetDelta}`),
    value: Buffer.from('v'),
    headers: [[Buffer.from('ce_id'), Buffer.from('1')]],
  })),
  ...options,
})
const offsets = (read: ReturnType<typeof readBatches>) => read.records.map(({ offset }) => Number(offset))

describe('readBatches', () => {
  test('leaves out what lies before the position, as a broker answers with whole batches', () => {
    const read = readBatches('t', 0, 12n, [batch(10, [0, 1, 2, 3])])
    assert.deepEqual(offsets(read), [12, 13])
    assert.equal(read.next, 14n)
  })

  test('passes over the gaps of a compacted partition', () => {
    const read = readBatches('t', 0, 10n, [batch(10, [0, 4], { lastOffsetDelta: 9 })])
    assert.deepEqual(offsets(read), [10, 14])
    assert.equal(read.next, 20n)
  })

  test('control batches take offsets and are not records', () => {
    const read = readBatches('t', 0, 5n, [batch(5, [0]), batch(6, [0], { attributes: IS_CONTROL })])
    assert.deepEqual(offsets(read), [5])
    assert.equal(read.next, 7n)
  })

  test('nothing read: the position stays', () => assert.equal(readBatches('t', 0, 3n, []).next, 3n))

  test('a header named __proto__ is a header', () => {
    const odd = batch(0, [0])
    odd.records[0]!.headers = [[Buffer.from('__proto__'), Buffer.from('x')]]
    const { headers } = readBatches('t', 1, 0n, [odd]).records[0]!.record
    assert.deepEqual(Object.entries(headers), [['__proto__', 'x']])
  })
})
