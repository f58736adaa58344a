/**
 * Write-ahead log files, `wal/<20-digit number>.wal`. Format version 1. All integers are big-endian.
 *
 * ```text
 * segment header, bytes 0..511 (one sector; zeros from 52 on)
 *   0  8 bytes "SVYAZWAL"
 *   8  uint16  format version = 1
 *  10  uint16  0
 *  12  uint32  CRC-32C of bytes 16..51
 *  16  16 bytes log id: the same in every file of one log, so that files of two logs can't mix
 *  32  uint64  segment number: 1, 2, 3, … without gaps
 *  40  uint64  segment epoch: random, new each time the file (fresh or recycled) becomes a segment
 *  48  uint32  capacity / 512: the file's size
 *
 * unit, at every multiple of 512 that follows the header or the preceding unit; zero-padded to the next multiple of 512
 *   0  uint32  magic 0x53565955 "SVYU"
 *   4  uint32  CRC-32C of bytes 8..32+length-1
 *   8  uint64  sequence: 1 above the preceding unit's, going on across segments
 *  16  uint64  segment epoch, as in the header
 *  24  uint32  length of the entries in bytes
 *  28  uint32  number of entries
 *  32  entries
 *
 * entry
 *   0  uint8   kind
 *   1  uint8   0
 *   2  uint16  key length (kinds 2 and 3, else 0)
 *   4  uint32  length of the body
 *   8  body    kind 1 batch:          16 bytes topic id, int32 partition, record batch v2 as stamped
 *              kind 2 internal value: key in UTF-8, value
 *              kind 3 internal key deleted: key
 *              kind 4 log start:      16 bytes topic id, int32 partition, int64 first offset that is left
 *              kind 5 topic deleted:  16 bytes topic id
 * ```
 *
 * Why so. A unit is what one write and one sync carry, and only one is ever in flight: the unit behind the last sound one
 * is the only one that a crash can leave incomplete. Units begin on sectors, so an interrupted write never shares a
 * sector with an acknowledged unit, and the search for later units has few places to look at. The random epoch keeps what
 * a recycled file held before, and anything a client can put into a record, from passing for a unit of this segment.
 * A segment that was being written when the process died is never written again: the next one starts with the sequence
 * number of the unit that was lost, so later starts come to the same verdict. Whether the unit behind the last sound one
 * was synced, so that it is damaged and not torn, is known from the mark `synced`: see synced-mark.ts.
 *
 * Upgrade. A reader refuses a version it doesn't know. A new version reads segments of this one, writes its own from the
 * first segment after the start on, and rewrites old ones into partition segments in the usual way: once that has
 * happened (seconds) no file of the old version is left. Going back: stop the new version cleanly with `wal/` emptied by
 * its archive step, or restore the directory. Kinds of entry are added with a new version only.
 */
import { crc32c } from './crc32c.ts'
import { DamagedLog } from './errors.ts'

export const SECTOR_BYTES = 512
export const WAL_HEADER_BYTES = SECTOR_BYTES
export const UNIT_HEADER_BYTES = 32
export const ENTRY_HEAD_BYTES = 8
/** Topic id and partition in front of a batch. */
const ADDRESS_BYTES = 20
export const BATCH_ENTRY_OVERHEAD = ENTRY_HEAD_BYTES + ADDRESS_BYTES

const WAL_MAGIC = Buffer.from('SVYAZWAL', 'latin1')
const WAL_VERSION = 1
const UNIT_MAGIC = 0x53565955
const KIND_BATCH = 1
const KIND_SET = 2
const KIND_DELETE = 3
const KIND_LOG_START = 4
const KIND_TOPIC_DELETED = 5

export interface WalHeader {
  readonly logId: Buffer
  readonly number: number
  readonly epoch: bigint
  readonly capacityBytes: number
}

/** What a unit holds, ready to be written; topic ids are 16 bytes. */
export type UnitEntry =
  | { readonly kind: 'batch'; readonly topic: Buffer; readonly partition: number; readonly batch: Buffer }
  | { readonly kind: 'internal'; readonly key: Buffer; readonly value: Buffer | null }
  | { readonly kind: 'logStart'; readonly topic: Buffer; readonly partition: number; readonly offset: number }
  | { readonly kind: 'topicDeleted'; readonly topic: Buffer }

/** The first bytes of a file of the write-ahead log. */
export function encodeWalHeader(header: WalHeader): Buffer {
  const bytes = Buffer.alloc(WAL_HEADER_BYTES)
  WAL_MAGIC.copy(bytes)
  bytes.writeUInt16BE(WAL_VERSION, 8)
  header.logId.copy(bytes, 16)
  bytes.writeBigUInt64BE(BigInt(header.number), 32)
  bytes.writeBigUInt64BE(header.epoch, 40)
  bytes.writeUInt32BE(header.capacityBytes / SECTOR_BYTES, 48)
  bytes.writeUInt32BE(crc32c(bytes, 16, 52), 12)
  return bytes
}

/** Throws DamagedLog when the bytes are not a header of a known version. */
export function decodeWalHeader(bytes: Buffer, file: string): WalHeader {
  if (bytes.length < 52) throw new DamagedLog(file, bytes.length, 'the file ends inside its header')
  if (!bytes.subarray(0, 8).equals(WAL_MAGIC)) throw new DamagedLog(file, 0, 'not a write-ahead log segment')
  const version = bytes.readUInt16BE(8)
  if (version !== WAL_VERSION) throw new DamagedLog(file, 8, `format version ${version} is unknown here`)
  if (crc32c(bytes, 16, 52) !== bytes.readUInt32BE(12)) throw new DamagedLog(file, 12, 'header checksum mismatch')
  return {
    logId: Buffer.from(bytes.subarray(16, 32)),
    number: Number(bytes.readBigUInt64BE(32)),
    epoch: bytes.readBigUInt64BE(40),
    capacityBytes: bytes.readUInt32BE(48) * SECTOR_BYTES,
  }
}

/** Bytes of an entry inside a unit. */
export function entryBytes(entry: UnitEntry): number {
  switch (entry.kind) {
    case 'batch':
      return BATCH_ENTRY_OVERHEAD + entry.batch.length
    case 'internal':
      return ENTRY_HEAD_BYTES + entry.key.length + (entry.value?.length ?? 0)
    case 'logStart':
      return ENTRY_HEAD_BYTES + ADDRESS_BYTES + 8
    case 'topicDeleted':
      return ENTRY_HEAD_BYTES + 16
  }
}

/** Bytes on disk of a unit whose entries take `entriesBytes`. */
export function unitBytes(entriesBytes: number): number {
  return Math.ceil((UNIT_HEADER_BYTES + entriesBytes) / SECTOR_BYTES) * SECTOR_BYTES
}

/**
 * One unit as it goes to disk, padding included, in memory that `room` gives. `placed` hears where the batch of entry
 * `index` begins inside it.
 */
export function encodeUnit(
  sequence: number,
  epoch: bigint,
  entries: readonly UnitEntry[],
  room: (bytes: number) => Buffer,
  placed: (index: number, batchAt: number) => void,
): Buffer {
  let length = 0
  for (const entry of entries) length += entryBytes(entry)
  const unit = room(unitBytes(length))
  unit.writeUInt32BE(UNIT_MAGIC, 0)
  unit.writeBigUInt64BE(BigInt(sequence), 8)
  unit.writeBigUInt64BE(epoch, 16)
  unit.writeUInt32BE(length, 24)
  unit.writeUInt32BE(entries.length, 28)
  let at = UNIT_HEADER_BYTES
  entries.forEach((entry, index) => {
    encodeEntry(unit, at, entry)
    if (entry.kind === 'batch') placed(index, at + BATCH_ENTRY_OVERHEAD)
    at += entryBytes(entry)
  })
  unit.fill(0, at)
  unit.writeUInt32BE(crc32c(unit, 8, at), 4)
  return unit
}

function encodeEntry(unit: Buffer, at: number, entry: UnitEntry): void {
  unit.writeUInt16BE(0, at)
  unit.writeUInt16BE(0, at + 2)
  unit.writeUInt32BE(entryBytes(entry) - ENTRY_HEAD_BYTES, at + 4)
  const body = at + ENTRY_HEAD_BYTES
  switch (entry.kind) {
    case 'batch':
      unit.writeUInt8(KIND_BATCH, at)
      unit.set(entry.topic, body)
      unit.writeInt32BE(entry.partition, body + 16)
      unit.set(entry.batch, body + ADDRESS_BYTES)
      return
    case 'internal':
      unit.writeUInt8(entry.value === null ? KIND_DELETE : KIND_SET, at)
      unit.writeUInt16BE(entry.key.length, at + 2)
      unit.set(entry.key, body)
      if (entry.value !== null) unit.set(entry.value, body + entry.key.length)
      return
    case 'logStart':
      unit.writeUInt8(KIND_LOG_START, at)
      unit.set(entry.topic, body)
      unit.writeInt32BE(entry.partition, body + 16)
      unit.writeBigInt64BE(BigInt(entry.offset), body + ADDRESS_BYTES)
      return
    case 'topicDeleted':
      unit.writeUInt8(KIND_TOPIC_DELETED, at)
      unit.set(entry.topic, body)
  }
}

export interface UnitHeader {
  readonly sequence: number
  /** Of the entries. */
  readonly length: number
  readonly count: number
}

/** The header of a unit of this segment at byte `at`, or null when there is none. The CRC isn't looked at. */
export function peekUnit(bytes: Buffer, at: number, epoch: bigint): UnitHeader | null {
  if (at + UNIT_HEADER_BYTES > bytes.length) return null
  if (bytes.readUInt32BE(at) !== UNIT_MAGIC || bytes.readBigUInt64BE(at + 16) !== epoch) return null
  return {
    sequence: Number(bytes.readBigUInt64BE(at + 8)),
    length: bytes.readUInt32BE(at + 24),
    count: bytes.readUInt32BE(at + 28),
  }
}

/** Whether the complete unit at byte `at`, all of it in `bytes`, has the checksum it carries. */
export function unitIsSound(bytes: Buffer, at: number, header: UnitHeader): boolean {
  const end = at + UNIT_HEADER_BYTES + header.length
  return end <= bytes.length && crc32c(bytes, at + 8, end) === bytes.readUInt32BE(at + 4)
}

/** An entry as found, with its place inside the buffer it was read from; batches and values are views of it. */
export type StoredEntry = UnitEntry & { readonly at: number }

/** The entries of a sound unit at byte `at`. `file` and `fileAt` (of the unit) only serve the message of DamagedLog. */
export function* decodeEntries(
  bytes: Buffer,
  at: number,
  header: UnitHeader,
  file: string,
  fileAt: number,
): Generator<StoredEntry> {
  const end = at + UNIT_HEADER_BYTES + header.length
  let next = at + UNIT_HEADER_BYTES
  for (let i = 0; i < header.count; i++) {
    const bodyAt = next + ENTRY_HEAD_BYTES
    const bodyEnd = bodyAt <= end ? bodyAt + bytes.readUInt32BE(next + 4) : Number.POSITIVE_INFINITY
    if (bodyEnd > end) throw new DamagedLog(file, fileAt + next - at, 'an entry ends behind its unit')
    yield decodeEntry(bytes, next, bodyAt, bodyEnd, file, fileAt + next - at)
    next = bodyEnd
  }
  if (next !== end) throw new DamagedLog(file, fileAt + next - at, 'a unit holds more than its entries')
}

function decodeEntry(
  bytes: Buffer,
  at: number,
  bodyAt: number,
  bodyEnd: number,
  file: string,
  fileAt: number,
): StoredEntry {
  const kind = bytes.readUInt8(at)
  switch (kind) {
    case KIND_BATCH:
      return {
        kind: 'batch',
        at,
        topic: bytes.subarray(bodyAt, bodyAt + 16),
        partition: bytes.readInt32BE(bodyAt + 16),
        batch: bytes.subarray(bodyAt + ADDRESS_BYTES, bodyEnd),
      }
    case KIND_SET:
    case KIND_DELETE: {
      const keyEnd = bodyAt + bytes.readUInt16BE(at + 2)
      const key = bytes.subarray(bodyAt, keyEnd)
      return { kind: 'internal', at, key, value: kind === KIND_SET ? bytes.subarray(keyEnd, bodyEnd) : null }
    }
    case KIND_LOG_START:
      return {
        kind: 'logStart',
        at,
        topic: bytes.subarray(bodyAt, bodyAt + 16),
        partition: bytes.readInt32BE(bodyAt + 16),
        offset: Number(bytes.readBigInt64BE(bodyAt + ADDRESS_BYTES)),
      }
    case KIND_TOPIC_DELETED:
      return { kind: 'topicDeleted', at, topic: bytes.subarray(bodyAt, bodyAt + 16) }
    default:
      throw new DamagedLog(file, fileAt, `entry kind ${kind} is unknown`)
  }
}
