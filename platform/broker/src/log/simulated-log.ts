/** A small log on the simulated disk, for tests: how it is opened, filled and read back. */
import assert from 'node:assert/strict'
import { encodeBatch, readBatchHeader, stampBatch } from './batch-header.ts'
import type { Entry, Log, LogLimits } from './log.ts'
import { openLog } from './open.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

export const TOPIC_A = '0b8c1d2e-1111-4222-8333-444455556666'
export const TOPIC_B = '7f000000-aaaa-4bbb-8ccc-ddddeeeeffff'

export const SMALL: Partial<LogLimits> = {
  walSegmentBytes: 32 * 1024,
  walSegmentBytesFirst: 8 * 1024,
  partitionSegmentBytes: 8 * 1024,
  unitBytesMax: 4 * 1024,
  ringBytes: 4 * 1024,
  indexIntervalBytes: 512,
  unarchivedSegmentsMax: 2,
  pendingBytesMax: 1 << 20,
  reserveBytes: 2 * 1024,
  openFilesMax: 2,
}

/**
 * A record batch with that text as its records.
 * @param timestamp ms since 1970
 */
export function batchOf(text: string, records = 1, timestamp = 1000): Buffer {
  const padding = Buffer.from(text)
  const time = BigInt(timestamp)
  return encodeBatch(
    { lastOffsetDelta: records - 1, baseTimestamp: time, maxTimestamp: time, recordCount: records },
    padding,
  )
}

/** A batch with the next offset of its partition, ready to be appended. */
export function stamped(log: Log, topicId: string, partition: number, batch: Buffer): Entry {
  stampBatch(batch, log.stampOffset(topicId, partition), 0)
  return { kind: 'batch', topicId, partition, batch }
}

/** Opens the log on a simulated disk, with limits so small that everything happens soon. */
export async function open(disk: SimulatedDisk, more: Partial<Parameters<typeof openLog>[0]> = {}): Promise<Log> {
  const onFatal = (error: Error) => {
    throw error
  }
  const random = (bytes: number) => Buffer.from(Array.from({ length: bytes }, () => Math.floor(disk.random() * 256)))
  return openLog({ directory: '/data', fs: disk.fileSystem(), limits: SMALL, onFatal, random, ...more })
}

/** Every batch of a partition, read in small steps. */
export async function readAll(
  log: Log,
  topicId: string,
  partition: number,
  maxBytes = 2000,
): Promise<Map<bigint, Buffer>> {
  const found = new Map<bigint, Buffer>()
  const { logStartOffset, nextOffset } = log.bounds(topicId, partition)
  let offset = logStartOffset
  while (offset < nextOffset) {
    const buffers = await log.read(topicId, partition, offset, maxBytes)
    assert.ok(buffers.length > 0, `nothing at ${offset} of ${nextOffset}`)
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.length; ) {
        const header = readBatchHeader(buffer, at)
        found.set(header.baseOffset, Buffer.from(buffer.subarray(at, at + header.sizeBytes)))
        at += header.sizeBytes
        offset = header.lastOffset + 1n
      }
    }
  }
  return found
}

/**
 * Appends this many batches, one after the other.
 * @returns them as they were written
 */
export async function fill(log: Log, batches: number, topicId = TOPIC_A, partition = 0): Promise<Buffer[]> {
  const written: Buffer[] = []
  for (let i = 0; i < batches; i++) {
    const entry = stamped(log, topicId, partition, batchOf(`batch ${i} `.repeat(20), 2, 1000 + i))
    await log.append([entry])
    if (entry.kind === 'batch') written.push(entry.batch)
  }
  return written
}
