/** Walks and time look-ups over a whole partition: archived segments first, then what the write-ahead log holds. */
import { type BatchHeader, readBatchHeader } from './batch-header.ts'
import type { OffsetAndTimestamp } from './log.ts'
import type { PartitionState } from './partition-state.ts'
import type { SegmentReader } from './segment-reader.ts'

/** See `Log.offsetForTimestamp`. */
export async function findByTimestamp(
  state: PartitionState,
  timestamp: number,
  reader: SegmentReader,
): Promise<OffsetAndTimestamp | null> {
  const { logStart, tables } = state
  for (const segment of state.segments) {
    if (segment.maxTimestamp < timestamp || segment.nextOffset <= logStart) continue
    const header = await reader.firstAtOrAfter(state, segment, timestamp, logStart)
    if (header !== null) return result(Math.max(Number(header.baseOffset), logStart), Number(header.maxTimestamp))
  }
  for (const table of tables) {
    if (table.newest < timestamp) continue
    for (let row = table.rowOf(logStart); row < table.count; row++) {
      if (table.maxTimestamp(row) < timestamp) continue
      return result(Math.max(table.baseOffset(row), logStart), table.maxTimestamp(row))
    }
  }
  return null
}

/** See `Log.maxTimestamp`. */
export async function findNewest(state: PartitionState, reader: SegmentReader): Promise<OffsetAndTimestamp | null> {
  const { logStart, segments, tables } = state
  let newest = -1
  for (const { maxTimestamp, nextOffset } of segments) {
    if (nextOffset > logStart) newest = Math.max(newest, maxTimestamp)
  }
  for (const table of tables) if (table.end() > logStart) newest = Math.max(newest, table.newest)
  if (newest < 0) return null
  for (const segment of segments) {
    if (segment.maxTimestamp !== newest) continue
    const header = await reader.firstAtOrAfter(state, segment, newest, logStart)
    if (header !== null) return result(Number(header.lastOffset), newest)
  }
  let best: OffsetAndTimestamp | null = null
  for (const table of tables) {
    for (let row = table.rowOf(logStart); row < table.count; row++) {
      const timestamp = BigInt(table.maxTimestamp(row))
      if (best === null || timestamp > best.timestamp) best = { offset: BigInt(table.nextOffset(row) - 1), timestamp }
    }
  }
  return best
}

/** The headers of all batches from the one that contains `from` on, up to the end at the time of the call. */
export async function* headersOf(
  state: PartitionState,
  from: number,
  reader: SegmentReader,
  read: (offset: number) => Buffer[] | Promise<Buffer[]>,
): AsyncGenerator<BatchHeader> {
  const end = state.nextOffset
  let offset = from
  for (const segment of state.segments) {
    if (segment.nextOffset <= offset) continue
    for await (const header of reader.headers(state, segment, offset)) {
      yield header
      offset = Number(header.lastOffset) + 1
    }
  }
  while (offset < end) {
    const buffers = await read(offset)
    if (buffers.length === 0) return
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.length; ) {
        const header = readBatchHeader(buffer, at)
        yield header
        offset = Number(header.lastOffset) + 1
        at += header.sizeBytes
      }
    }
  }
}

function result(offset: number, timestamp: number): OffsetAndTimestamp {
  return { offset: BigInt(offset), timestamp: BigInt(timestamp) }
}
