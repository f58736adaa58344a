/**
 * The 61-byte header of Kafka's record batch v2 (KIP-98; "Record Batch" in the Apache Kafka protocol documentation).
 * All integers are big-endian.
 *
 * ```text
 *  0  int64  baseOffset             ─┐
 *  8  int32  batchLength  (bytes 12…) │ outside the CRC: a broker stamps offset and epoch in place
 * 12  int32  partitionLeaderEpoch     │
 * 16  int8   magic = 2                │
 * 17  uint32 crc  CRC-32C of 21…     ─┘
 * 21  int16  attributes   0–2 compression, 3 log-append time, 4 transactional, 5 control, 6 delete horizon
 * 23  int32  lastOffsetDelta
 * 27  int64  baseTimestamp
 * 35  int64  maxTimestamp
 * 43  int64  producerId
 * 51  int16  producerEpoch
 * 53  int32  baseSequence
 * 57  int32  recordCount
 * 61  records
 * ```
 *
 * The broker treats records as opaque: this header is all it reads of what it stores.
 */
import { crc32c } from './crc32c.ts'

export const BATCH_HEADER_BYTES = 61
/** Bytes 0..11 come before what `batchLength` counts. */
export const BATCH_LENGTH_BASE = 12
export const BATCH_MAGIC = 2
const CRC_AT = 17
const CRC_COVERS_FROM = 21

const COMPRESSION_MASK = 0x07
const TIMESTAMP_TYPE_BIT = 0x08
const TRANSACTIONAL_BIT = 0x10
const CONTROL_BIT = 0x20

export interface BatchHeader {
  readonly baseOffset: bigint
  /** The field as on the wire: bytes behind byte 12. The whole batch is `sizeBytes`. */
  readonly batchLength: number
  /** The whole batch in bytes, this header included. */
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly magic: number
  /** Unsigned. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  /** Milliseconds since 1970, -1 when there is none. */
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  /** -1 when the producer is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  /** Offset of the last record: baseOffset + lastOffsetDelta. */
  readonly lastOffset: bigint
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number
  readonly isLogAppendTime: boolean
}

/**
 * Reads the header of the batch that starts at byte `at`. Checks nothing but that 61 bytes are there (else RangeError):
 * `faultOfBatch` judges.
 */
export function readBatchHeader(buffer: Buffer, at = 0): BatchHeader {
  if (at < 0 || at + BATCH_HEADER_BYTES > buffer.length) {
    throw new RangeError(`no batch header fits at byte ${at} of ${buffer.length}`)
  }
  const baseOffset = buffer.readBigInt64BE(at)
  const batchLength = buffer.readInt32BE(at + 8)
  const attributes = buffer.readInt16BE(at + 21)
  const lastOffsetDelta = buffer.readInt32BE(at + 23)
  return {
    baseOffset,
    batchLength,
    sizeBytes: batchLength + BATCH_LENGTH_BASE,
    leaderEpoch: buffer.readInt32BE(at + 12),
    magic: buffer.readInt8(at + 16),
    crc: buffer.readUInt32BE(at + CRC_AT),
    attributes,
    lastOffsetDelta,
    baseTimestamp: buffer.readBigInt64BE(at + 27),
    maxTimestamp: buffer.readBigInt64BE(at + 35),
    producerId: buffer.readBigInt64BE(at + 43),
    producerEpoch: buffer.readInt16BE(at + 51),
    baseSequence: buffer.readInt32BE(at + 53),
    recordCount: buffer.readInt32BE(at + 57),
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    compression: attributes & COMPRESSION_MASK,
    isLogAppendTime: (attributes & TIMESTAMP_TYPE_BIT) !== 0,
  }
}

/** Writes base offset and leader epoch into the batch at byte `at`, in place; the batch's CRC covers neither. */
export function stampBatch(buffer: Buffer, baseOffset: bigint, leaderEpoch: number, at = 0): void {
  buffer.writeBigInt64BE(baseOffset, at)
  buffer.writeInt32BE(leaderEpoch, at + 12)
}

/** Why a batch is not acceptable; 'truncated' when the bytes end before the batch does. */
export type BatchFault = 'truncated' | 'magic' | 'length' | 'crc' | 'count'

/**
 * Judges the batch at byte `at`: complete, magic 2, a length that can hold a header, matching CRC-32C, and offsets that
 * fit the count of records (a compacted batch may hold fewer records than offsets, never more).
 * Gives null for a sound one. What lies behind the batch is not looked at.
 */
export function faultOfBatch(buffer: Buffer, at = 0, end = buffer.length): BatchFault | null {
  if (at + BATCH_HEADER_BYTES > end) return 'truncated'
  if (buffer.readInt8(at + 16) !== BATCH_MAGIC) return 'magic'
  const sizeBytes = buffer.readInt32BE(at + 8) + BATCH_LENGTH_BASE
  if (sizeBytes < BATCH_HEADER_BYTES) return 'length'
  if (at + sizeBytes > end) return 'truncated'
  if (crc32c(buffer, at + CRC_COVERS_FROM, at + sizeBytes) !== buffer.readUInt32BE(at + CRC_AT)) return 'crc'
  const lastOffsetDelta = buffer.readInt32BE(at + 23)
  const recordCount = buffer.readInt32BE(at + 57)
  if (lastOffsetDelta < 0 || recordCount < 0 || recordCount - 1 > lastOffsetDelta) return 'count'
  return null
}

/** What `encodeBatch` needs; the rest of the header follows from it. */
export interface BatchFields {
  readonly attributes?: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly recordCount: number
}

/** A complete batch (base offset 0, epoch 0) around records that are already encoded; used for control batches. */
export function encodeBatch(fields: BatchFields, records: Uint8Array): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length)
  stampBatch(batch, 0n, 0)
  batch.writeInt32BE(batch.length - BATCH_LENGTH_BASE, 8)
  batch.writeInt8(BATCH_MAGIC, 16)
  batch.writeInt16BE(fields.attributes ?? 0, 21)
  batch.writeInt32BE(fields.lastOffsetDelta, 23)
  batch.writeBigInt64BE(fields.baseTimestamp, 27)
  batch.writeBigInt64BE(fields.maxTimestamp, 35)
  batch.writeBigInt64BE(fields.producerId ?? -1n, 43)
  batch.writeInt16BE(fields.producerEpoch ?? -1, 51)
  batch.writeInt32BE(fields.baseSequence ?? -1, 53)
  batch.writeInt32BE(fields.recordCount, 57)
  batch.set(records, BATCH_HEADER_BYTES)
  batch.writeUInt32BE(crc32c(batch, CRC_COVERS_FROM, batch.length), CRC_AT)
  return batch
}
