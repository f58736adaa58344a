/**
 * The checkpoint, one file `checkpoint`, replaced by rename. Format version 2. All integers are big-endian.
 *
 * ```text
 * header, 64 bytes
 *   0  8 bytes "SVYAZCKP"
 *   8  uint16  format version = 2
 *  10  uint16  0
 *  12  uint32  CRC-32C of bytes 16..63
 *  16  16 bytes log id
 *  32  uint64  unit sequence: every unit up to it is contained
 *  40  uint64  number of the first WAL segment still needed
 *  48  uint64  number of records
 *  56  uint64  sequence of the last unit before that segment
 * blocks until the end of the file
 *   0  uint32  length of the payload
 *   4  uint32  CRC-32C of the payload
 *   8  payload: whole records
 * record
 *   0  uint8   kind
 *      kind 1 partition: 16 bytes topic id, int32 partition, int64 log start, int64 next offset (at the unit sequence),
 *             int64 archived end (partition segments hold everything below it), uint32 number of segments, then of each:
 *             int64 base offset, int64 next offset, int64 bytes used (header included), int64 newest timestamp (ms or -1),
 *             uint8 sealed (1: nothing more is added to it)
 *      kind 2 internal record: uint16 key length, uint32 value length, key in UTF-8, value
 * ```
 *
 * This file is the point of commitment of archiving: partition segment bytes beyond "bytes used", partition files that it
 * doesn't name and WAL segments below its first one do not exist, whatever the directory shows.
 *
 * It names the other files that must be there: the partition segments, the first WAL segment and, from version 2 on, the
 * mark `synced` (see synced-mark.ts). A start without one of them is refused.
 *
 * Upgrade. A reader refuses a version it doesn't know; a new version reads this one and writes its own at its first
 * checkpoint (at the latest when it closes). Version 1 has the same layout and knows no mark: opening such a directory
 * makes the mark, then writes a checkpoint of version 2. Going back from 2 to 1 means restoring the directory.
 */
import { crc32c } from './crc32c.ts'
import { DamagedLog } from './errors.ts'
import { ownCopy } from './own-copy.ts'

const MAGIC = Buffer.from('SVYAZCKP', 'latin1')
const VERSION = 2
const VERSION_WITHOUT_MARK = 1
const HEADER_BYTES = 64
const BLOCK_HEAD_BYTES = 8
const BLOCK_TARGET_BYTES = 64 * 1024
const KIND_PARTITION = 1
const KIND_INTERNAL = 2
const PARTITION_FIXED_BYTES = 1 + 16 + 4 + 24 + 4
const SEGMENT_BYTES = 33

export interface SegmentSummary {
  readonly baseOffset: number
  readonly nextOffset: number
  /** Header and batches; the index footer comes behind. */
  readonly usedBytes: number
  /** -1 when no batch carries one. */
  readonly maxTimestamp: number
  readonly sealed: boolean
}

export interface PartitionSummary {
  readonly topic: Buffer
  readonly partition: number
  readonly logStart: number
  readonly nextOffset: number
  readonly archivedEnd: number
  readonly segments: readonly SegmentSummary[]
}

export interface Checkpoint {
  readonly logId: Buffer
  readonly unitSequence: number
  readonly firstWalSegment: number
  readonly archivedSequence: number
  readonly partitions: Iterable<PartitionSummary>
  readonly internal: Iterable<readonly [key: string, value: Buffer]>
}

/** The bytes of a checkpoint file: checksummed blocks. */
export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const chunks: Buffer[] = []
  let block: Buffer[] = []
  let blockBytes = 0
  let records = 0
  const endBlock = () => {
    if (block.length === 0) return
    const payload = Buffer.concat(block, blockBytes)
    const head = Buffer.allocUnsafe(BLOCK_HEAD_BYTES)
    head.writeUInt32BE(payload.length, 0)
    head.writeUInt32BE(crc32c(payload), 4)
    chunks.push(head, payload)
    block = []
    blockBytes = 0
  }
  const add = (...parts: Buffer[]) => {
    for (const part of parts) {
      block.push(part)
      blockBytes += part.length
    }
    records++
    if (blockBytes >= BLOCK_TARGET_BYTES) endBlock()
  }
  for (const partition of checkpoint.partitions) add(encodePartition(partition))
  for (const [key, value] of checkpoint.internal) add(encodeInternalHead(key, value), value)
  endBlock()
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt16BE(VERSION, 8)
  checkpoint.logId.copy(header, 16)
  header.writeBigUInt64BE(BigInt(checkpoint.unitSequence), 32)
  header.writeBigUInt64BE(BigInt(checkpoint.firstWalSegment), 40)
  header.writeBigUInt64BE(BigInt(records), 48)
  header.writeBigUInt64BE(BigInt(checkpoint.archivedSequence), 56)
  header.writeUInt32BE(crc32c(header, 16), 12)
  return Buffer.concat([header, ...chunks])
}

function encodePartition(partition: PartitionSummary): Buffer {
  const bytes = Buffer.allocUnsafe(PARTITION_FIXED_BYTES + partition.segments.length * SEGMENT_BYTES)
  bytes.writeUInt8(KIND_PARTITION, 0)
  partition.topic.copy(bytes, 1)
  bytes.writeInt32BE(partition.partition, 17)
  writeOffset(bytes, partition.logStart, 21)
  writeOffset(bytes, partition.nextOffset, 29)
  writeOffset(bytes, partition.archivedEnd, 37)
  bytes.writeUInt32BE(partition.segments.length, 45)
  let at = PARTITION_FIXED_BYTES
  for (const segment of partition.segments) {
    writeOffset(bytes, segment.baseOffset, at)
    writeOffset(bytes, segment.nextOffset, at + 8)
    writeOffset(bytes, segment.usedBytes, at + 16)
    writeOffset(bytes, segment.maxTimestamp, at + 24)
    bytes.writeUInt8(segment.sealed ? 1 : 0, at + 32)
    at += SEGMENT_BYTES
  }
  return bytes
}

function encodeInternalHead(key: string, value: Buffer): Buffer {
  const keyBytes = Buffer.from(key, 'utf8')
  const bytes = Buffer.allocUnsafe(7 + keyBytes.length)
  bytes.writeUInt8(KIND_INTERNAL, 0)
  bytes.writeUInt16BE(keyBytes.length, 1)
  bytes.writeUInt32BE(value.length, 3)
  keyBytes.copy(bytes, 7)
  return bytes
}

function writeOffset(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigInt64BE(BigInt(value), at)
}

export interface LoadedCheckpoint {
  /** Whether the mark `synced` belongs to it. */
  readonly hasMark: boolean
  readonly logId: Buffer
  readonly unitSequence: number
  readonly firstWalSegment: number
  readonly archivedSequence: number
  readonly partitions: readonly PartitionSummary[]
  readonly internal: ReadonlyMap<string, Buffer>
}

/** Reads a whole checkpoint file. Throws DamagedLog, naming the byte of the block that is wrong. */
export function decodeCheckpoint(bytes: Buffer, file: string): LoadedCheckpoint {
  if (bytes.length < HEADER_BYTES) throw new DamagedLog(file, bytes.length, 'the file ends inside its header')
  if (!bytes.subarray(0, 8).equals(MAGIC)) throw new DamagedLog(file, 0, 'not a checkpoint')
  const version = bytes.readUInt16BE(8)
  if (version !== VERSION && version !== VERSION_WITHOUT_MARK)
    throw new DamagedLog(file, 8, `format version ${version} is unknown here`)
  if (crc32c(bytes, 16, HEADER_BYTES) !== bytes.readUInt32BE(12)) {
    throw new DamagedLog(file, 12, 'header checksum mismatch')
  }
  const partitions: PartitionSummary[] = []
  const internal = new Map<string, Buffer>()
  let at = HEADER_BYTES
  while (at < bytes.length) {
    const payloadAt = at + BLOCK_HEAD_BYTES
    const end = payloadAt <= bytes.length ? payloadAt + bytes.readUInt32BE(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw new DamagedLog(file, at, 'the file ends inside a block')
    if (crc32c(bytes, payloadAt, end) !== bytes.readUInt32BE(at + 4)) {
      throw new DamagedLog(file, at, 'block checksum mismatch')
    }
    decodeBlock(bytes, payloadAt, end, file, partitions, internal)
    at = end
  }
  const records = Number(bytes.readBigUInt64BE(48))
  if (partitions.length + internal.size !== records) {
    throw new DamagedLog(file, bytes.length, `${partitions.length + internal.size} of ${records} records are there`)
  }
  return {
    hasMark: version !== VERSION_WITHOUT_MARK,
    logId: Buffer.from(bytes.subarray(16, 32)),
    unitSequence: Number(bytes.readBigUInt64BE(32)),
    firstWalSegment: Number(bytes.readBigUInt64BE(40)),
    archivedSequence: Number(bytes.readBigUInt64BE(56)),
    partitions,
    internal,
  }
}

function decodeBlock(
  bytes: Buffer,
  start: number,
  end: number,
  file: string,
  partitions: PartitionSummary[],
  internal: Map<string, Buffer>,
): void {
  let at = start
  while (at < end) {
    const kind = bytes.readUInt8(at)
    if (kind === KIND_PARTITION) {
      const segments: SegmentSummary[] = []
      const count = bytes.readUInt32BE(at + 45)
      for (let i = 0; i < count; i++)
        segments.push(decodeSegment(bytes, at + PARTITION_FIXED_BYTES + i * SEGMENT_BYTES))
      partitions.push({
        topic: Buffer.from(bytes.subarray(at + 1, at + 17)),
        partition: bytes.readInt32BE(at + 17),
        logStart: readOffset(bytes, at + 21),
        nextOffset: readOffset(bytes, at + 29),
        archivedEnd: readOffset(bytes, at + 37),
        segments,
      })
      at += PARTITION_FIXED_BYTES + count * SEGMENT_BYTES
    } else if (kind === KIND_INTERNAL) {
      const keyEnd = at + 7 + bytes.readUInt16BE(at + 1)
      const valueEnd = keyEnd + bytes.readUInt32BE(at + 3)
      internal.set(bytes.toString('utf8', at + 7, keyEnd), ownCopy(bytes.subarray(keyEnd, valueEnd)))
      at = valueEnd
    } else {
      throw new DamagedLog(file, at, `record kind ${kind} is unknown`)
    }
  }
}

function decodeSegment(bytes: Buffer, at: number): SegmentSummary {
  return {
    baseOffset: readOffset(bytes, at),
    nextOffset: readOffset(bytes, at + 8),
    usedBytes: readOffset(bytes, at + 16),
    maxTimestamp: readOffset(bytes, at + 24),
    sealed: bytes.readUInt8(at + 32) === 1,
  }
}

function readOffset(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at))
}
