import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BATCH_HEADER_BYTES, encodeBatch, faultOfBatch, readBatchHeader, stampBatch } from './batch-header.ts'

const sample = () =>
  encodeBatch(
    {
      attributes: 0x10 | 4,
      lastOffsetDelta: 2,
      baseTimestamp: 1_700_000_000_000n,
      maxTimestamp: 1_700_000_000_009n,
      producerId: 4001n,
      producerEpoch: 3,
      baseSequence: 77,
      recordCount: 3,
    },
    Buffer.from('three records, opaque to the broker'),
  )

test('a header reads back what was written', () => {
  const batch = sample()
  stampBatch(batch, 9_007_199_254_740_993n, 6)
  const header = readBatchHeader(Buffer.concat([Buffer.alloc(5), batch]), 5)
  assert.equal(header.baseOffset, 9_007_199_254_740_993n)
  assert.equal(header.lastOffset, 9_007_199_254_740_995n)
  assert.equal(header.leaderEpoch, 6)
  assert.equal(header.sizeBytes, batch.length)
  assert.equal(header.producerId, 4001n)
  assert.equal(header.producerEpoch, 3)
  assert.equal(header.baseSequence, 77)
  assert.equal(header.recordCount, 3)
  assert.equal(header.baseTimestamp, 1_700_000_000_000n)
  assert.equal(header.maxTimestamp, 1_700_000_000_009n)
  assert.equal(header.compression, 4)
  assert.equal(header.isTransactional, true)
  assert.equal(header.isControl, false)
  assert.equal(header.isLogAppendTime, false)
})

test('stamping leaves the checksum valid', () => {
  const batch = sample()
  assert.equal(faultOfBatch(batch), null)
  stampBatch(batch, 123n, 9)
  assert.equal(faultOfBatch(batch), null)
})

test('every single flipped bit behind the leader epoch is noticed', () => {
  const sound = sample()
  for (let bit = 16 * 8; bit < sound.length * 8; bit++) {
    const batch = Buffer.from(sound)
    batch[bit >> 3]! ^= 1 << (bit & 7)
    assert.notEqual(faultOfBatch(batch), null, `bit ${bit}`)
  }
})

test('faults are told apart', () => {
  const change = (edit: (batch: Buffer) => void) => {
    const batch = sample()
    edit(batch)
    return faultOfBatch(batch)
  }
  assert.equal(
    change((batch) => batch.writeInt8(1, 16)),
    'magic',
  )
  assert.equal(
    change((batch) => batch.writeInt32BE(BATCH_HEADER_BYTES - 13, 8)),
    'length',
  )
  assert.equal(
    change((batch) => batch.writeInt32BE(-1, 8)),
    'length',
  )
  assert.equal(
    change((batch) => batch.writeInt32BE(1 << 20, 8)),
    'truncated',
  )
  assert.equal(
    change((batch) => batch.writeUInt8(batch[70]! ^ 1, 70)),
    'crc',
  )
  assert.equal(faultOfBatch(sample().subarray(0, 60)), 'truncated')
  const tooManyRecords = encodeBatch(
    { lastOffsetDelta: 0, baseTimestamp: 0n, maxTimestamp: 0n, recordCount: 2 },
    Buffer.alloc(4),
  )
  assert.equal(faultOfBatch(tooManyRecords), 'count')
})

test('a header that does not fit is a RangeError', () => {
  assert.throws(() => readBatchHeader(Buffer.alloc(60)), RangeError)
  assert.throws(() => readBatchHeader(Buffer.alloc(61), 1), RangeError)
})
