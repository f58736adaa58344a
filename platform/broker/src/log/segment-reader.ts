/**
 * Reads of archived data. Keeps the files and sparse indexes of the most recently read partition segments, bounded in
 * number. A batch is checked against its CRC before it leaves here: damage is reported, never sent on.
 */
import { BATCH_HEADER_BYTES, type BatchHeader, faultOfBatch, readBatchHeader } from './batch-header.ts'
import type { SegmentSummary } from './checkpoint-format.ts'
import { DamagedLog } from './errors.ts'
import type { LogFile, LogFileSystem } from './file-system.ts'
import type { LogLimits } from './log.ts'
import type { PartitionState } from './partition-state.ts'
import type { LogPaths } from './paths.ts'
import { checkSegmentHeader, decodeFooter, SEGMENT_HEADER_BYTES } from './segment-format.ts'
import { entryForOffset, entryForTimestamp, IndexBuilder, type SegmentIndex } from './segment-index.ts'

const SCAN_CHUNK_BYTES = 1 << 20
const FOOTER_GUESS_BYTES = 64 * 1024

interface OpenSegment {
  readonly file: LogFile
  readonly index: SegmentIndex
}

interface Handle {
  readonly opened: Promise<OpenSegment>
  pins: number
  forgotten: boolean
}

export interface PlacedHeader {
  readonly header: BatchHeader
  /** In the file. */
  readonly position: number
}

export class SegmentReader {
  readonly #fs: LogFileSystem
  readonly #paths: LogPaths
  readonly #logId: Buffer
  readonly #limits: LogLimits
  /** In order of use, the latest last. */
  readonly #handles = new Map<string, Handle>()

  constructor(fs: LogFileSystem, paths: LogPaths, logId: Buffer, limits: LogLimits) {
    this.#fs = fs
    this.#paths = paths
    this.#logId = logId
    this.#limits = limits
  }

  pathOf(state: PartitionState, segment: SegmentSummary): string {
    return this.#paths.segment(state.topic.id, state.partition, segment.baseOffset)
  }

  /** Whole batches from the one that contains `offset` (or the first behind it), at least one; empty at the segment's end. */
  async read(state: PartitionState, segment: SegmentSummary, offset: number, maxBytes: number): Promise<Buffer[]> {
    const path = this.pathOf(state, segment)
    return this.#with(state, segment, async ({ file, index }) => {
      const from = entryForOffset(index, offset)?.position ?? SEGMENT_HEADER_BYTES
      for await (const { header, position } of scanHeaders(file, path, from, segment.usedBytes)) {
        if (header.lastOffset < BigInt(offset)) continue
        const most = Math.min(Math.max(maxBytes, header.sizeBytes), segment.usedBytes - position)
        const bytes = Buffer.allocUnsafeSlow(most)
        const length = await file.read(bytes, position)
        const end = wholeBatchesEnd(bytes.subarray(0, length), path, position)
        return end === 0 ? [] : [bytes.subarray(0, end)]
      }
      return []
    })
  }

  /** The headers of a segment from the batch that contains `offset` on. */
  async *headers(state: PartitionState, segment: SegmentSummary, offset: number): AsyncGenerator<BatchHeader> {
    const path = this.pathOf(state, segment)
    const handle = this.#acquire(state, segment)
    try {
      const { file, index } = await handle.opened
      const from = entryForOffset(index, offset)?.position ?? SEGMENT_HEADER_BYTES
      for await (const { header } of scanHeaders(file, path, from, segment.usedBytes)) {
        if (header.lastOffset >= BigInt(offset)) yield header
      }
    } finally {
      this.#release(path, handle)
    }
  }

  /** The first batch with a timestamp at or above `timestamp` that has offsets from `logStart` on; null if none. */
  async firstAtOrAfter(
    state: PartitionState,
    segment: SegmentSummary,
    timestamp: number,
    logStart: number,
  ): Promise<BatchHeader | null> {
    const path = this.pathOf(state, segment)
    return this.#with(state, segment, async ({ file, index }) => {
      const from = entryForTimestamp(index, timestamp)?.position ?? SEGMENT_HEADER_BYTES
      for await (const { header } of scanHeaders(file, path, from, segment.usedBytes)) {
        if (header.maxTimestamp >= BigInt(timestamp) && header.lastOffset >= BigInt(logStart)) return header
      }
      return null
    })
  }

  /** The index as it is on disk or in memory, for the archiver to go on with. */
  indexOf(state: PartitionState, segment: SegmentSummary): Promise<SegmentIndex> {
    return this.#with(state, segment, async ({ index }) => index)
  }

  /** The segment has grown or is gone: the next read reopens it. */
  forget(path: string): void {
    const handle = this.#handles.get(path)
    if (handle === undefined) return
    this.#handles.delete(path)
    handle.forgotten = true
    if (handle.pins === 0) void closeQuietly(handle)
  }

  async close(): Promise<void> {
    const handles = [...this.#handles.values()]
    this.#handles.clear()
    await Promise.all(handles.map(closeQuietly))
  }

  async #with<T>(state: PartitionState, segment: SegmentSummary, use: (open: OpenSegment) => Promise<T>): Promise<T> {
    const handle = this.#acquire(state, segment)
    try {
      return await use(await handle.opened)
    } finally {
      this.#release(this.pathOf(state, segment), handle)
    }
  }

  #acquire(state: PartitionState, segment: SegmentSummary): Handle {
    const path = this.pathOf(state, segment)
    const handle = this.#handles.get(path) ?? { opened: this.#open(path, state, segment), pins: 0, forgotten: false }
    handle.opened.catch(() => this.forget(path))
    this.#handles.delete(path)
    this.#handles.set(path, handle)
    handle.pins++
    this.#evict()
    return handle
  }

  #release(path: string, handle: Handle): void {
    handle.pins--
    if (handle.forgotten && handle.pins === 0) void closeQuietly(handle)
    else if (this.#handles.get(path) === handle) this.#evict()
  }

  #evict(): void {
    if (this.#handles.size <= this.#limits.openFilesMax) return
    for (const [path, handle] of this.#handles) {
      if (handle.pins > 0) continue
      this.forget(path)
      if (this.#handles.size <= this.#limits.openFilesMax) return
    }
  }

  async #open(path: string, state: PartitionState, segment: SegmentSummary): Promise<OpenSegment> {
    const file = await this.#fs.open(path, 'read')
    try {
      const head = Buffer.alloc(SEGMENT_HEADER_BYTES)
      const length = await file.read(head, 0)
      const { topic, partition } = state
      const expected = { logId: this.#logId, topic: topic.idBytes, partition, baseOffset: segment.baseOffset }
      checkSegmentHeader(head.subarray(0, length), expected, path)
      return { file, index: (await readFooter(file, segment)) ?? (await this.#rebuildIndex(file, path, segment)) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #rebuildIndex(file: LogFile, path: string, segment: SegmentSummary): Promise<SegmentIndex> {
    const builder = new IndexBuilder(this.#limits.indexIntervalBytes)
    for await (const { header, position } of scanHeaders(file, path, SEGMENT_HEADER_BYTES, segment.usedBytes)) {
      builder.add(Number(header.baseOffset), position, Number(header.maxTimestamp))
    }
    return builder.entries
  }
}

async function readFooter(file: LogFile, segment: SegmentSummary): Promise<SegmentIndex | null> {
  const guess = Buffer.allocUnsafe(FOOTER_GUESS_BYTES)
  const bytes = guess.subarray(0, await file.read(guess, segment.usedBytes))
  const index = decodeFooter(bytes)
  return index !== null && index.at(-1) !== undefined && index.at(-1)!.position < segment.usedBytes ? index : null
}

/** Walks the batch headers of a segment file between two positions, skipping bodies. */
export async function* scanHeaders(
  file: LogFile,
  path: string,
  from: number,
  until: number,
): AsyncGenerator<PlacedHeader> {
  let position = from
  let chunk = Buffer.alloc(0)
  let chunkAt = from
  while (position < until) {
    if (position - chunkAt + BATCH_HEADER_BYTES > chunk.length) {
      const next = Buffer.allocUnsafe(Math.min(SCAN_CHUNK_BYTES, until - position))
      chunk = next.subarray(0, await file.read(next, position))
      chunkAt = position
    }
    if (position - chunkAt + BATCH_HEADER_BYTES > chunk.length) {
      throw new DamagedLog(path, position, 'the file ends inside a batch')
    }
    const header = readBatchHeader(chunk, position - chunkAt)
    if (header.magic !== 2 || header.sizeBytes < BATCH_HEADER_BYTES || position + header.sizeBytes > until) {
      throw new DamagedLog(path, position, 'no record batch is here')
    }
    yield { header, position }
    position += header.sizeBytes
  }
}

/** The end of the last whole batch in `bytes` that is followed by none that is damaged; DamagedLog if the first one is. */
function wholeBatchesEnd(bytes: Buffer, path: string, position: number): number {
  let at = 0
  for (;;) {
    const fault = faultOfBatch(bytes, at)
    if (fault === 'truncated' || (fault !== null && at > 0)) return at
    if (fault !== null) throw new DamagedLog(path, position + at, `a record batch is wrong (${fault})`)
    at += readBatchHeader(bytes, at).sizeBytes
  }
}

async function closeQuietly(handle: Handle): Promise<void> {
  // A file that could not be opened has nothing to close; its error went to whoever asked.
  const opened = await handle.opened.catch(() => null)
  await opened?.file.close()
}
