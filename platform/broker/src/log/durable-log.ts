/** The log put together: state in memory, the writer in front of it, maintenance behind it. See log.ts for the contract. */
import {
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_BASE,
  BATCH_MAGIC,
  type BatchHeader,
  readBatchHeader,
} from './batch-header.ts'
import { InvalidAppend, LogBusy, LogClosed, OffsetOutOfRange, StorageFull } from './errors.ts'
import type {
  Entry,
  Log,
  LogLimits,
  LogLogger,
  LogStats,
  OffsetAndTimestamp,
  PartitionBounds,
  PartitionKey,
  PartitionSize,
  Retention,
} from './log.ts'
import type { Maintenance } from './maintenance.ts'
import { ownCopy } from './own-copy.ts'
import type { PartitionState, TopicState, Topics } from './partition-state.ts'
import { logStartAfterRetention, type RetentionUnit } from './retention.ts'
import { RetentionClock } from './retention-clock.ts'
import type { SegmentReader } from './segment-reader.ts'
import type { StorageWatch } from './storage-state.ts'
import { findByTimestamp, findNewest, headersOf } from './time-lookup.ts'
import { topicIdToBytes, topicIdToText } from './topic-id.ts'
import type { UnitCache } from './unit-cache.ts'
import { entryBytes, type UnitEntry } from './wal-format.ts'
import type { WalSegment } from './wal-segment.ts'
import { readTail } from './wal-tail.ts'
import type { WalWriter } from './wal-writer.ts'

const INTERNAL_KEY_BYTES_MAX = 32_767

export interface LogParts {
  readonly topics: Topics
  readonly internal: Map<string, Buffer>
  readonly limits: LogLimits
  readonly writer: WalWriter
  readonly maintenance: Maintenance
  readonly reader: SegmentReader
  readonly cache: UnitCache
  readonly logger: LogLogger
  readonly now: () => number
  readonly monotonic: () => number
  readonly storage: StorageWatch
  readonly unlock: () => Promise<void>
}

type AcceptedBatch = Extract<UnitEntry, { kind: 'batch' }> & {
  readonly state: PartitionState
  readonly baseOffset: number
  readonly nextOffset: number
  readonly maxTimestamp: number
}

export class DurableLog implements Log {
  readonly #parts: LogParts
  readonly #listeners = new Set<(changed: ReadonlySet<PartitionKey>) => void>()
  /** Topics whose deletion is queued or done. */
  readonly #deleted = new Set<string>()
  readonly #retentionClock: RetentionClock
  #closing: Promise<void> | null = null
  #failed = false

  constructor(parts: LogParts) {
    this.#parts = parts
    const units = Array.from(parts.topics.partitions()).flatMap(retentionUnits)
    const newest = units.reduce((latest, unit) => Math.max(latest, unit.newest), -1)
    this.#retentionClock = new RetentionClock(parts.now, parts.monotonic, newest)
  }

  append(entries: readonly Entry[]): Promise<void> {
    if (this.#closing !== null) return Promise.reject(new LogClosed('the log is closed'))
    if (entries.length === 0) return Promise.resolve()
    try {
      return this.#enqueue(this.#accept(entries))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  read(topicId: string, partition: number, offset: bigint, maxBytes: number): Buffer[] | Promise<Buffer[]> {
    const state = this.#parts.topics.find(topicId, partition)
    const logStart = state?.logStart ?? 0
    const end = state?.nextOffset ?? 0
    const at = Number(offset)
    if (at < logStart || at > end) throw new OffsetOutOfRange(offset, BigInt(logStart), BigInt(end))
    if (state === undefined || at === end) return []
    return this.#read(state, at, maxBytes)
  }

  bounds(topicId: string, partition: number): PartitionBounds {
    const state = this.#parts.topics.find(topicId, partition)
    return { logStartOffset: BigInt(state?.logStart ?? 0), nextOffset: BigInt(state?.nextOffset ?? 0) }
  }

  stampOffset(topicId: string, partition: number): bigint {
    return BigInt(this.#parts.topics.find(topicId, partition)?.stampNext ?? 0)
  }

  async offsetForTimestamp(
    topicId: string,
    partition: number,
    timestampMs: bigint,
  ): Promise<OffsetAndTimestamp | null> {
    const state = this.#parts.topics.find(topicId, partition)
    return state === undefined ? null : findByTimestamp(state, Number(timestampMs), this.#parts.reader)
  }

  async maxTimestamp(topicId: string, partition: number): Promise<OffsetAndTimestamp | null> {
    const state = this.#parts.topics.find(topicId, partition)
    return state === undefined ? null : findNewest(state, this.#parts.reader)
  }

  internal(): Iterable<readonly [key: string, value: Buffer]> {
    return this.#parts.internal.entries()
  }

  async *headers(topicId: string, partition: number, fromOffset?: bigint): AsyncGenerator<BatchHeader> {
    const state = this.#parts.topics.find(topicId, partition)
    if (state === undefined) return
    const from = Math.max(state.logStart, Number(fromOffset ?? 0n))
    yield* headersOf(state, from, this.#parts.reader, (offset) => this.#read(state, offset, 1 << 20))
  }

  *partitions(): Generator<{ topicId: string; partition: number }> {
    for (const state of this.#parts.topics.partitions()) yield { topicId: state.topic.id, partition: state.partition }
  }

  async deleteTopic(topicId: string): Promise<void> {
    const topic = this.#parts.topics.byId.get(topicId)
    const idBytes = topicIdToBytes(topicId)
    if (this.#deleted.has(topicId)) return
    this.#deleted.add(topicId)
    try {
      await this.#enqueue([{ kind: 'topicDeleted', topic: idBytes }])
    } catch (error) {
      this.#deleted.delete(topicId)
      throw error
    }
    await this.#parts.maintenance.removeTopic(topicId, topic?.partitions.values() ?? [])
  }

  async deleteBefore(topicId: string, partition: number, offset: bigint): Promise<void> {
    const state = this.#parts.topics.find(topicId, partition)
    if (state === undefined) return
    const target = Math.min(Number(offset), state.nextOffset)
    if (target <= state.logStart) return
    await this.#moveLogStart([[state, target]])
  }

  setRetention(topicId: string, retention: Retention): void {
    this.#parts.topics.ensure(topicIdToBytes(topicId)).retention = retention
  }

  async enforceRetention(): Promise<void> {
    const nowMs = this.#retentionClock.now()
    const moves: [PartitionState, number][] = []
    for (const state of this.#parts.topics.partitions()) {
      const target = logStartAfterRetention(retentionUnits(state), state.topic.retention, state.logStart, nowMs)
      if (target > state.logStart) moves.push([state, target])
    }
    if (moves.length > 0) await this.#moveLogStart(moves)
    this.#parts.writer.retry()
    this.#parts.maintenance.startArchiving()
  }

  *sizes(): Generator<PartitionSize> {
    for (const state of this.#parts.topics.partitions()) {
      yield {
        topicId: state.topic.id,
        partition: state.partition,
        bytes: state.bytes(),
        segments: state.segments.length,
      }
    }
  }

  onDurable(listener: (changed: ReadonlySet<PartitionKey>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stats(): LogStats {
    const { writer, maintenance, cache, storage } = this.#parts
    const { units, appendedBytes, syncs, syncMsTotal, pendingBytes, pendingAppends } = writer
    const { unarchivedSegments, checkpoints } = maintenance
    const ringBytes = cache.bytes
    return {
      units,
      appendedBytes,
      syncs,
      syncMsTotal,
      pendingBytes,
      pendingAppends,
      unarchivedSegments,
      ringBytes,
      storage: storage.state,
      checkpoints,
    }
  }

  checkpoint(): Promise<void> {
    return this.#parts.maintenance.checkpoint()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Called by the writer: everything in the unit is durable. */
  publish(entries: readonly UnitEntry[], batchAts: readonly number[], segment: WalSegment, unit: Buffer): void {
    const changed = new Set<PartitionKey>()
    entries.forEach((entry, i) => {
      switch (entry.kind) {
        case 'batch': {
          const { state, baseOffset, nextOffset, maxTimestamp, batch } = entry as AcceptedBatch
          const position = segment.end + batchAts[i]!
          state.addBatch(segment.number, baseOffset, nextOffset, maxTimestamp, position, batch.length)
          changed.add(state.key)
          break
        }
        case 'internal':
          if (entry.value === null) this.#parts.internal.delete(entry.key.toString('utf8'))
          else this.#parts.internal.set(entry.key.toString('utf8'), entry.value)
          break
        case 'logStart': {
          const state = this.#topicOf(entry.topic)?.partitions.get(entry.partition)
          if (state !== undefined) state.logStart = Math.max(state.logStart, entry.offset)
          break
        }
        case 'topicDeleted': {
          const topic = this.#topicOf(entry.topic)
          if (topic !== undefined) this.#parts.topics.byId.delete(topic.id)
        }
      }
    })
    this.#parts.cache.add(segment.number, segment.end, unit)
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed)
  }

  /** Called by the writer: appends that were waiting have been refused, so stamping goes on where the log ends. */
  batchesRefused(): void {
    for (const state of this.#parts.topics.partitions()) state.stampNext = state.nextOffset
  }

  markFailed(): void {
    this.#failed = true
  }

  #topicOf(idBytes: Buffer): TopicState | undefined {
    return this.#parts.topics.byId.get(topicIdToText(idBytes))
  }

  /** Checks entries, advances the stamps; on a fault nothing has changed. */
  #accept(entries: readonly Entry[]): UnitEntry[] {
    const advanced: [PartitionState, number][] = []
    try {
      return entries.map((entry) => {
        if (entry.kind === 'internal') return acceptInternal(entry.key, entry.value)
        const accepted = this.#acceptBatch(entry.topicId, entry.partition, entry.batch)
        advanced.push([accepted.state, accepted.state.stampNext])
        accepted.state.stampNext = accepted.nextOffset
        return accepted
      })
    } catch (error) {
      for (const [state, stamp] of advanced.reverse()) state.stampNext = stamp
      throw error
    }
  }

  #acceptBatch(topicId: string, partition: number, batch: Buffer): AcceptedBatch {
    if (this.#deleted.has(topicId)) throw new InvalidAppend(`topic ${topicId} is deleted`)
    if (batch.length < BATCH_HEADER_BYTES) throw new InvalidAppend(`a batch of ${batch.length} bytes has no header`)
    if (batch.readInt32BE(8) + BATCH_LENGTH_BASE !== batch.length || batch[16] !== BATCH_MAGIC) {
      throw new InvalidAppend('not exactly one record batch v2')
    }
    if (!Number.isInteger(partition) || partition < 0) throw new InvalidAppend(`${partition} is not a partition`)
    const known = this.#parts.topics.byId.get(topicId) ?? this.#parts.topics.ensure(topicIdToBytes(topicId))
    const state = known.ensure(partition)
    const header = readBatchHeader(batch)
    const baseOffset = Number(header.baseOffset)
    if (baseOffset !== state.stampNext || header.lastOffsetDelta < 0) {
      throw new InvalidAppend(`${state.key} goes on at ${state.stampNext}, the batch is stamped ${header.baseOffset}`)
    }
    const nextOffset = baseOffset + header.lastOffsetDelta + 1
    const maxTimestamp = Number(header.maxTimestamp)
    return { kind: 'batch', topic: known.idBytes, partition, batch, state, baseOffset, nextOffset, maxTimestamp }
  }

  #enqueue(entries: readonly UnitEntry[]): Promise<void> {
    const { writer, limits } = this.#parts
    let bytes = 0
    let hasBatch = false
    for (const entry of entries) {
      bytes += entryBytes(entry)
      if (entry.kind === 'batch') hasBatch = true
    }
    const refusal =
      bytes > limits.walSegmentBytes / 2
        ? new InvalidAppend(`${bytes} bytes at once are above half a log segment`)
        : writer.pendingBytes + bytes > limits.pendingBytesMax && writer.pendingBytes > 0
          ? new LogBusy(`${writer.pendingBytes} bytes wait for the disk`)
          : null
    if (refusal !== null) {
      // Accepted synchronously just before, so nothing can have been stamped behind it.
      for (const entry of [...entries].reverse()) {
        if (entry.kind === 'batch') (entry as AcceptedBatch).state.stampNext = (entry as AcceptedBatch).baseOffset
      }
      return Promise.reject(refusal)
    }
    return new Promise((resolve, reject) => writer.add({ entries, bytes, hasBatch, resolve, reject }))
  }

  #read(state: PartitionState, offset: number, maxBytes: number): Buffer[] | Promise<Buffer[]> {
    if (offset >= state.archivedEnd) {
      return readTail(state, offset, maxBytes, this.#parts.cache, (number) => this.#segment(number))
    }
    const segment = state.segments.find(({ nextOffset }) => nextOffset > offset)
    // A gap up to the write-ahead log: compaction or retention left nothing between.
    if (segment === undefined) return this.#read(state, state.archivedEnd, maxBytes)
    return this.#parts.reader.read(state, segment, offset, maxBytes).then((batches) => {
      if (batches.length > 0 || segment.nextOffset >= state.nextOffset) return batches
      // What stood at the end of this segment was given up as lost.
      return this.#read(state, segment.nextOffset, maxBytes)
    })
  }

  #segment(number: number): WalSegment | undefined {
    const { writer, maintenance } = this.#parts
    return writer.active.number === number ? writer.active : maintenance.sealedSegment(number)
  }

  async #moveLogStart(moves: readonly (readonly [PartitionState, number])[]): Promise<void> {
    await this.#enqueue(
      moves.map(([state, offset]) => ({
        kind: 'logStart',
        topic: state.topic.idBytes,
        partition: state.partition,
        offset,
      })),
    )
    await this.#parts.maintenance.removeExpired(moves.map(([state]) => state))
  }

  async #close(): Promise<void> {
    const { writer, maintenance, reader, unlock, logger } = this.#parts
    await writer.drained()
    await maintenance.quiesce()
    if (!this.#failed) {
      await maintenance.checkpoint().catch((error: Error) => {
        // The previous checkpoint and the log hold everything; only the next start takes longer.
        if (!(error instanceof StorageFull)) throw error
        logger.warn('no checkpoint at close', { error: error.message })
      })
    }
    await maintenance.close()
    await writer.close()
    await reader.close()
    await unlock()
  }
}

function acceptInternal(key: string, value: Buffer | null): UnitEntry {
  const bytes = Buffer.from(key, 'utf8')
  if (bytes.length === 0 || bytes.length > INTERNAL_KEY_BYTES_MAX) {
    throw new InvalidAppend(`an internal key of ${bytes.length} bytes`)
  }
  if (value === null) return { kind: 'internal', key: bytes, value }
  return { kind: 'internal', key: bytes, value: ownCopy(value) }
}

function retentionUnits(state: PartitionState): RetentionUnit[] {
  return [
    ...state.segments.map(({ nextOffset, usedBytes, maxTimestamp }) => ({
      nextOffset,
      bytes: usedBytes,
      newest: maxTimestamp,
      archived: true,
    })),
    ...state.tables.map((table) => ({
      nextOffset: table.end(),
      bytes: table.bytes,
      newest: table.newest,
      archived: false,
    })),
  ]
}
