/**
 * Partition segment files, `partitions/<topic id>/<partition>/<20-digit base offset>.seg`. Format version 1. All integers
 * are big-endian.
 *
 * ```text
 * header, 64 bytes
 *   0  8 bytes "SVYAZSEG"
 *   8  uint16  format version = 1
 *  10  uint16  0
 *  12  uint32  CRC-32C of bytes 16..63
 *  16  16 bytes log id
 *  32  16 bytes topic id
 *  48  int32   partition
 *  52  int64   base offset: of the first batch
 *  60  4 bytes 0
 * record batches v2, one behind the other, offsets rising (gaps are allowed: compaction leaves them)
 * index footer, behind the last batch; the next batches overwrite it and a new one follows them
 *   0  uint32  magic 0x53565958 "SVYX"
 *   4  uint32  CRC-32C of bytes 8..12+24·count-1
 *   8  uint32  count
 *  12  of each: int64 offset, int64 position in the file, int64 newest timestamp of all batches before this position
 * ```
 *
 * Where the batches end is told by the checkpoint (see checkpoint-format.ts), not by the file's size. The footer only
 * saves work: it is rebuilt from the batches when it is missing or wrong.
 *
 * Upgrade. A reader refuses a version it doesn't know. A new version reads files of this one as they are and writes its
 * own format into new files only; an unsealed file of the old version is sealed first. Retention removes the last old one.
 */
import { crc32c } from './crc32c.ts'
import { DamagedLog } from './errors.ts'
import type { SegmentIndex } from './segment-index.ts'

export const SEGMENT_HEADER_BYTES = 64
const MAGIC = Buffer.from('SVYAZSEG', 'latin1')
const VERSION = 1
const FOOTER_MAGIC = 0x53565958
const FOOTER_HEAD_BYTES = 12
const FOOTER_ENTRY_BYTES = 24

export interface SegmentHeader {
  readonly logId: Buffer
  readonly topic: Buffer
  readonly partition: number
  readonly baseOffset: number
}

/** The first bytes of a partition segment. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt16BE(VERSION, 8)
  header.logId.copy(bytes, 16)
  header.topic.copy(bytes, 32)
  bytes.writeInt32BE(header.partition, 48)
  bytes.writeBigInt64BE(BigInt(header.baseOffset), 52)
  bytes.writeUInt32BE(crc32c(bytes, 16), 12)
  return bytes
}

/** Throws DamagedLog unless the bytes are the header of exactly the segment that is expected there. */
export function checkSegmentHeader(bytes: Buffer, expected: SegmentHeader, file: string): void {
  if (bytes.length < SEGMENT_HEADER_BYTES) throw new DamagedLog(file, bytes.length, 'the file ends inside its header')
  if (!bytes.subarray(0, 8).equals(MAGIC)) throw new DamagedLog(file, 0, 'not a partition segment')
  const version = bytes.readUInt16BE(8)
  if (version !== VERSION) throw new DamagedLog(file, 8, `format version ${version} is unknown here`)
  if (crc32c(bytes, 16, SEGMENT_HEADER_BYTES) !== bytes.readUInt32BE(12)) {
    throw new DamagedLog(file, 12, 'header checksum mismatch')
  }
  if (!encodeSegmentHeader(expected).equals(bytes.subarray(0, SEGMENT_HEADER_BYTES))) {
    throw new DamagedLog(file, 16, 'the header belongs to another segment')
  }
}

/** The last bytes of a partition segment: its sparse index. */
export function encodeFooter(index: SegmentIndex): Buffer {
  const bytes = Buffer.allocUnsafe(FOOTER_HEAD_BYTES + index.length * FOOTER_ENTRY_BYTES)
  bytes.writeUInt32BE(FOOTER_MAGIC, 0)
  bytes.writeUInt32BE(index.length, 8)
  index.forEach((entry, i) => {
    const at = FOOTER_HEAD_BYTES + i * FOOTER_ENTRY_BYTES
    bytes.writeBigInt64BE(BigInt(entry.offset), at)
    bytes.writeBigInt64BE(BigInt(entry.position), at + 8)
    bytes.writeBigInt64BE(BigInt(entry.newestBefore), at + 16)
  })
  bytes.writeUInt32BE(crc32c(bytes, 8), 4)
  return bytes
}

/** null when the bytes are not a sound footer. */
export function decodeFooter(bytes: Buffer): SegmentIndex | null {
  if (bytes.length < FOOTER_HEAD_BYTES || bytes.readUInt32BE(0) !== FOOTER_MAGIC) return null
  const count = bytes.readUInt32BE(8)
  const end = FOOTER_HEAD_BYTES + count * FOOTER_ENTRY_BYTES
  if (end > bytes.length || crc32c(bytes, 8, end) !== bytes.readUInt32BE(4)) return null
  return Array.from({ length: count }, (_, i) => {
    const at = FOOTER_HEAD_BYTES + i * FOOTER_ENTRY_BYTES
    return {
      offset: Number(bytes.readBigInt64BE(at)),
      position: Number(bytes.readBigInt64BE(at + 8)),
      newestBefore: Number(bytes.readBigInt64BE(at + 16)),
    }
  })
}
