/**
 * The records inside a batch (record batch v2): only read to answer a look-up by time. Written by hand, unlike every
 * message: records are varint-coded differently and are in a compressed block.
 */
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { BATCH_HEADER_BYTES, readBatchHeader } from '../log/batch-header.ts'

const decompressors: ReadonlyMap<number, (block: Buffer) => Promise<Buffer> | Buffer> = new Map<
  number,
  (block: Buffer) => Promise<Buffer> | Buffer
>([
  [0, (block) => block],
  [1, (block) => promisify(gunzip)(block, { maxOutputLength: 256 * 1024 * 1024 })],
  [4, (block) => promisify(zstdDecompress)(block, { maxOutputLength: 256 * 1024 * 1024 })],
])

/**
 * The first record of the batch at the head of `batch` whose timestamp is at or above `timestampMs`; null when there is
 * none or the batch is compressed in a way that Node can't read (snappy, lz4) or not as it says.
 */
export async function firstRecordAt(
  batch: Buffer,
  timestampMs: bigint,
): Promise<{ offset: bigint; timestamp: bigint } | null> {
  const header = readBatchHeader(batch)
  const decompress = decompressors.get(header.compression)
  if (decompress === undefined) return null
  try {
    const block = await decompress(batch.subarray(BATCH_HEADER_BYTES, header.sizeBytes))
    let at = 0
    const varint = (): bigint => {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        const byte = block[at++]
        if (byte === undefined || shift > 63n) throw new RangeError('a record is cut short')
        value |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
      }
    }
    for (let index = 0; index < header.recordCount; index++) {
      const length = Number(varint())
      const end = at + length
      at += 1 // attributes
      const timestamp = header.baseTimestamp + varint()
      const offset = header.baseOffset + varint()
      if (timestamp >= timestampMs) return { offset, timestamp }
      at = end
    }
  } catch {
    // A client's records are not ours to judge here: the caller falls back to the batch.
  }
  return null
}
