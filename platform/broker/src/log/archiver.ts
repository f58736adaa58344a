/**
 * Rewrites a full write-ahead segment into partition segments. Nothing it writes counts until the checkpoint names it:
 * an attempt that is cut short, by a crash or a full disk, is simply made again from the same place.
 */

import { faultOfBatch, readBatchHeader } from './batch-header.ts'
import type { SegmentSummary } from './checkpoint-format.ts'
import { DamagedLog } from './errors.ts'
import type { LogFile, LogFileSystem } from './file-system.ts'
import type { LogLimits } from './log.ts'
import { ownCopy } from './own-copy.ts'
import type { PartitionState, Topics } from './partition-state.ts'
import type { LogPaths } from './paths.ts'
import { shouldStartSegment } from './retention.ts'
import { encodeFooter, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-format.ts'
import { IndexBuilder } from './segment-index.ts'
import type { SegmentReader } from './segment-reader.ts'
import { topicIdToText } from './topic-id.ts'
import { readWholeSegment, type WalSegment } from './wal-segment.ts'

/**
 * Batches gathered in memory before they are written out, all partitions together. That memory, and as much to join them
 * by partition, is all that rewriting a segment takes: it is used again and again.
 */
const GATHERED_BYTES_MAX = 2 << 20

/** What has become of one partition: to be put in place of its `segments` when everything is synced. */
export interface ArchivedPartition {
  readonly state: PartitionState
  readonly segments: readonly SegmentSummary[]
  readonly archivedEnd: number
  /** Files whose content has grown. */
  readonly changedPaths: readonly string[]
}

export class Archiver {
  readonly #fs: LogFileSystem
  readonly #paths: LogPaths
  readonly #logId: Buffer
  readonly #limits: LogLimits
  readonly #topics: Topics
  readonly #reader: SegmentReader
  readonly #now: () => number

  constructor(
    fs: LogFileSystem,
    paths: LogPaths,
    logId: Buffer,
    limits: LogLimits,
    topics: Topics,
    reader: SegmentReader,
    now: () => number,
  ) {
    this.#fs = fs
    this.#paths = paths
    this.#logId = logId
    this.#limits = limits
    this.#topics = topics
    this.#reader = reader
    this.#now = now
  }

  /** Writes and syncs the batches of a segment; changes nothing in memory. Fails with code ENOSPC when space runs out. */
  async archive(wal: WalSegment): Promise<ArchivedPartition[]> {
    const outputs = new Map<PartitionState, PartitionOutput>()
    const gathering = Buffer.allocUnsafeSlow(GATHERED_BYTES_MAX)
    const joining = Buffer.allocUnsafeSlow(GATHERED_BYTES_MAX)
    let gathered = 0
    try {
      for await (const unit of readWholeSegment(wal)) {
        for (const entry of unit.entries()) {
          if (entry.kind !== 'batch') continue
          const state = this.#topics.find(topicIdToText(entry.topic), entry.partition)
          if (state === undefined) continue
          const fault = faultOfBatch(entry.batch)
          if (fault !== null) {
            throw new DamagedLog(wal.path, unit.position + entry.at, `a record batch is wrong (${fault})`)
          }
          let output = outputs.get(state)
          if (output === undefined) {
            output = await this.#output(state, joining)
            outputs.set(state, output)
          }
          if (gathered + entry.batch.length > GATHERED_BYTES_MAX) {
            for (const each of outputs.values()) await each.flush()
            gathered = 0
          }
          await output.add(gather(entry.batch, gathering, gathered))
          gathered += entry.batch.length
        }
      }
      const archived: ArchivedPartition[] = []
      for (const output of outputs.values()) archived.push(await output.finish())
      for (const path of this.#newNames(outputs.values())) await this.#fs.syncDirectory(path)
      return archived
    } finally {
      for (const output of outputs.values()) await output.abandon()
    }
  }

  async #output(state: PartitionState, joining: Buffer): Promise<PartitionOutput> {
    await this.#fs.makeDirectory(this.#paths.topic(state.topic.id))
    await this.#fs.makeDirectory(this.#paths.partition(state.topic.id, state.partition))
    return new PartitionOutput(
      this.#fs,
      this.#paths,
      this.#logId,
      this.#limits,
      state,
      this.#reader,
      this.#now,
      joining,
    )
  }

  /** Directories that got new names, children first, so that a name never becomes durable before what it names. */
  #newNames(outputs: Iterable<PartitionOutput>): Set<string> {
    const directories = new Set<string>()
    const topics = new Set<string>()
    for (const { state, createdFile } of outputs) {
      if (!createdFile) continue
      directories.add(this.#paths.partition(state.topic.id, state.partition))
      topics.add(this.#paths.topic(state.topic.id))
    }
    for (const topic of topics) directories.add(topic)
    if (topics.size > 0) directories.add(this.#paths.partitions)
    return directories
  }
}

/** A batch in memory that stays as it is until that is used again: what was read from the log holds until the next unit. */
function gather(batch: Buffer, memory: Buffer, at: number): Buffer {
  if (at + batch.length > memory.length) return ownCopy(batch)
  batch.copy(memory, at)
  return memory.subarray(at, at + batch.length)
}

/** Buffers as one, in `memory` when they fit. */
function joined(parts: readonly Buffer[], bytes: number, memory: Buffer): Buffer {
  if (bytes > memory.length) return Buffer.concat(parts, bytes)
  let at = 0
  for (const part of parts) at += part.copy(memory, at)
  return memory.subarray(0, bytes)
}

/** The segments of one partition while batches are added. */
class PartitionOutput {
  readonly state: PartitionState
  createdFile = false
  readonly #fs: LogFileSystem
  readonly #paths: LogPaths
  readonly #logId: Buffer
  readonly #limits: LogLimits
  readonly #reader: SegmentReader
  readonly #now: () => number
  /** One at a time writes from it. */
  readonly #joining: Buffer
  readonly #done: SegmentSummary[]
  readonly #changedPaths: string[] = []
  #archivedEnd: number
  #segment: SegmentSummary | null = null
  #file: LogFile | null = null
  #index: IndexBuilder | null = null
  #gathered: Buffer[] = []
  #gatheredBytes = 0

  constructor(
    fs: LogFileSystem,
    paths: LogPaths,
    logId: Buffer,
    limits: LogLimits,
    state: PartitionState,
    reader: SegmentReader,
    now: () => number,
    joining: Buffer,
  ) {
    this.#joining = joining
    this.#fs = fs
    this.#paths = paths
    this.#logId = logId
    this.#limits = limits
    this.state = state
    this.#reader = reader
    this.#now = now
    this.#done = [...state.segments]
    this.#archivedEnd = state.archivedEnd
  }

  async add(batch: Buffer): Promise<void> {
    const header = readBatchHeader(batch)
    const baseOffset = Number(header.baseOffset)
    const nextOffset = Number(header.lastOffset) + 1
    // Archived before (units of a segment that was archived, its checkpoint not): those bytes stand already.
    if (baseOffset < this.#archivedEnd) return
    this.#archivedEnd = nextOffset
    if (nextOffset <= this.state.logStart) return
    const segment = await this.#segmentFor(baseOffset)
    const maxTimestamp = Number(header.maxTimestamp)
    this.#index!.add(baseOffset, segment.usedBytes, maxTimestamp)
    this.#gathered.push(batch)
    this.#gatheredBytes += batch.length
    this.#segment = {
      baseOffset: segment.baseOffset,
      nextOffset,
      usedBytes: segment.usedBytes + batch.length,
      maxTimestamp: Math.max(segment.maxTimestamp, maxTimestamp),
      sealed: false,
    }
  }

  async flush(): Promise<void> {
    if (this.#gatheredBytes === 0) return
    const bytes = joined(this.#gathered, this.#gatheredBytes, this.#joining)
    this.#gathered = []
    this.#gatheredBytes = 0
    await this.#file!.write(bytes, this.#segment!.usedBytes - bytes.length)
  }

  async finish(): Promise<ArchivedPartition> {
    await this.#closeSegment(false)
    return {
      state: this.state,
      segments: this.#done,
      archivedEnd: this.#archivedEnd,
      changedPaths: this.#changedPaths,
    }
  }

  /** Lets go of the file, whatever came of it. */
  async abandon(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #segmentFor(baseOffset: number): Promise<SegmentSummary> {
    if (this.#segment === null) await this.#continueLast()
    const limits = this.#limits
    if (this.#segment !== null) {
      if (!shouldStartSegment(this.#segment, this.state.topic.retention, limits.partitionSegmentBytes, this.#now())) {
        return this.#segment
      }
      await this.#closeSegment(true)
    }
    const { topic, partition } = this.state
    const path = this.#paths.segment(topic.id, partition, baseOffset)
    this.#file = await this.#fs.open(path, 'replace')
    this.createdFile = true
    this.#changedPaths.push(path)
    await this.#file.write(encodeSegmentHeader({ logId: this.#logId, topic: topic.idBytes, partition, baseOffset }), 0)
    this.#index = new IndexBuilder(limits.indexIntervalBytes)
    const usedBytes = SEGMENT_HEADER_BYTES
    this.#segment = { baseOffset, nextOffset: baseOffset, usedBytes, maxTimestamp: -1, sealed: false }
    return this.#segment
  }

  async #continueLast(): Promise<void> {
    const last = this.#done.at(-1)
    if (last === undefined || last.sealed) return
    const path = this.#reader.pathOf(this.state, last)
    const index = await this.#reader.indexOf(this.state, last).catch((error: unknown) => {
      if (error instanceof DamagedLog) return null
      throw error
    })
    if (index === null) {
      // Its readers hear of the damage; what comes now goes into a file of its own.
      this.#done[this.#done.length - 1] = { ...last, sealed: true }
      return
    }
    this.#index = new IndexBuilder(this.#limits.indexIntervalBytes, index, last.maxTimestamp)
    this.#file = await this.#fs.open(path, 'write')
    this.#changedPaths.push(path)
    this.#segment = last
    this.#done.pop()
  }

  async #closeSegment(sealed: boolean): Promise<void> {
    if (this.#segment === null) return
    await this.flush()
    const file = this.#file!
    const footer = encodeFooter(this.#index!.entries)
    await file.write(footer, this.#segment.usedBytes)
    await file.truncate(this.#segment.usedBytes + footer.length)
    await file.sync()
    await file.close()
    this.#file = null
    this.#done.push({ ...this.#segment, sealed })
    this.#segment = null
  }
}
