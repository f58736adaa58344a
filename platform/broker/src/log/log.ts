/**
 * The durable log as the rest of the broker sees it. Everything that decides about clients, groups and producers sits
 * above this interface; everything that knows about files sits below it.
 *
 * The interface is meant to stay. Beyond the first sketch it has `stampOffset`, `partitions`, `setRetention` and
 * `enforceRetention`; the error classes are in errors.ts, and open.ts opens one. Everything below imports this file,
 * which imports nothing but what it names.
 */
import type { BatchHeader } from './batch-header.ts'
import type { LogFileSystem } from './file-system.ts'

export type { BatchHeader } from './batch-header.ts'
export type { LogFileSystem } from './file-system.ts'

export type Entry =
  | {
      readonly kind: 'batch'
      /** Canonical lower-case UUID, 8-4-4-4-12. */
      readonly topicId: string
      readonly partition: number
      /** One record batch v2, checked by the caller, base offset and leader epoch stamped. The log keeps the buffer: don't write to it again. */
      readonly batch: Buffer
    }
  | {
      readonly kind: 'internal'
      /** At most 32,767 bytes of UTF-8. */
      readonly key: string
      /** null deletes the key. */
      readonly value: Buffer | null
    }

/** `${topicId}/${partition}` */
export type PartitionKey = string

export interface PartitionBounds {
  /** First offset that may be read; moves up by retention and deleteBefore, never down. */
  readonly logStartOffset: bigint
  /** The durable high watermark: one above the last readable offset. */
  readonly nextOffset: bigint
}

export interface OffsetAndTimestamp {
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: bigint
}

export interface PartitionSize {
  readonly topicId: string
  readonly partition: number
  /** Record batch bytes from logStartOffset on, wherever they lie. */
  readonly bytes: number
  /** Partition segment files. */
  readonly segments: number
}

export interface Retention {
  /** What is older goes, archived or not, as whole stretches by their newest record; -1 or absent: no limit. Kafka's retention.ms. */
  readonly retentionMs?: number
  /** The oldest archived segments go while the rest still holds as much; -1 or absent: no limit. Kafka's retention.bytes. */
  readonly retentionBytes?: number
}

export type StorageState =
  /** There is room. */
  | 'ok'
  /** The disk is full; writes go on in what was prepared before. */
  | 'low'
  /** Batches are refused; reads and internal records go on. */
  | 'full'

export interface LogStats {
  /** Units written since the start: one unit is one write and one sync. */
  readonly units: number
  readonly appendedBytes: number
  readonly syncs: number
  readonly syncMsTotal: number
  /** Bytes of entries accepted and not yet durable. */
  readonly pendingBytes: number
  readonly pendingAppends: number
  /** Write-ahead segments full and not yet rewritten into partition segments. */
  readonly unarchivedSegments: number
  readonly ringBytes: number
  readonly storage: StorageState
  readonly checkpoints: number
}

export interface Log extends AsyncDisposable {
  /**
   * Adds stamped record batches and internal records. All entries of one call land in one unit: after a crash either
   * all of them are there or none. Resolves after the sync. First in, first out: appends become durable and visible
   * in call order.
   *
   * Rejects with StorageFull (retriable: nothing was written, later appends of the same partition that were already
   * queued are refused with it), with LogClosed, or with InvalidAppend (a base offset that is not where the partition
   * ends, a malformed id or batch: a fault of the caller; nothing was written). Any other write or sync error is fatal
   * for the log: `options.onFatal` is told once and every pending and later append rejects with LogFailed.
   */
  append(entries: readonly Entry[]): Promise<void>

  /**
   * Whole batches, contiguous, starting with the one that contains `offset`; at least one batch, even above maxBytes;
   * empty when offset is the end. Only durable data. Several batches may be in one Buffer.
   * Throws (or rejects with) OffsetOutOfRange below the log start or above the end. Unknown partition: 0..0.
   * Rejects with DamagedLog when the first batch is damaged; sound ones in front of a damaged one are given.
   */
  read(topicId: string, partition: number, offset: bigint, maxBytes: number): Buffer[] | Promise<Buffer[]>

  /** 0 and 0 for an unknown partition. */
  bounds(topicId: string, partition: number): PartitionBounds

  /**
   * Where the next append to the partition must be stamped: one above everything accepted, durable or not. Falls back
   * to the durable end when a queued append was refused with StorageFull.
   */
  stampOffset(topicId: string, partition: number): bigint

  /**
   * The first batch whose maxTimestamp is at or above `timestampMs`, as (its base offset, its max timestamp): records
   * are opaque here, so the caller that wants the exact record reads this batch. null when there is none.
   */
  offsetForTimestamp(topicId: string, partition: number, timestampMs: bigint): Promise<OffsetAndTimestamp | null>

  /** The batch with the greatest maxTimestamp (the first of equals), as (its LAST offset, that timestamp). null when empty. */
  maxTimestamp(topicId: string, partition: number): Promise<OffsetAndTimestamp | null>

  /** The latest durable value of every internal key. */
  internal(): Iterable<readonly [key: string, value: Buffer]>

  /** Every durable batch header from an offset (default: the log start) on: producer state is rebuilt from these. */
  headers(topicId: string, partition: number, fromOffset?: bigint): AsyncIterable<BatchHeader>

  /** Every partition the log holds anything of. */
  partitions(): Iterable<{ readonly topicId: string; readonly partition: number }>

  /** Durable when it resolves. The id must never be used again (ids are random). Appends to it reject. */
  deleteTopic(topicId: string): Promise<void>

  /** Moves the log start up to `offset` (clamped to the end, never down); durable when it resolves. */
  deleteBefore(topicId: string, partition: number, offset: bigint): Promise<void>

  /** Limits of a topic, kept in memory only: the broker sets them from its topic configuration at each start. */
  setRetention(topicId: string, retention: Retention): void

  /** Applies the retention of every topic now. The log never does so by itself: the broker calls it on a timer. */
  enforceRetention(): Promise<void>

  sizes(): Iterable<PartitionSize>

  /** Reports which partitions grew, after the sync and before the appends resolve. Returns the way to stop listening. */
  onDurable(listener: (changed: ReadonlySet<PartitionKey>) => void): () => void

  stats(): LogStats

  /** Writes internal records and partition bounds so that a restart needs no replay; also done by size and at close. */
  checkpoint(): Promise<void>
}

export interface LogLimits {
  /** Size of one preallocated write-ahead segment. A unit never spans two. */
  readonly walSegmentBytes: number
  /** The first one after a start is this small and each next one twice as big, so that a start costs little. */
  readonly walSegmentBytesFirst: number
  /** A partition segment is closed when it has grown to this. */
  readonly partitionSegmentBytes: number
  /** Appends that would make a unit larger wait for the next; a single append may be up to half a WAL segment. */
  readonly unitBytesMax: number
  /** Received buffers kept in memory for reads of the tails, all partitions together. */
  readonly ringBytes: number
  /** One entry of the sparse offset index per this many bytes of a partition segment. */
  readonly indexIntervalBytes: number
  /** Full write-ahead segments that may wait for the background rewrite; at this many, appends wait for it. */
  readonly unarchivedSegmentsMax: number
  /** Bytes of entries accepted and not yet durable; at this many, append rejects with LogBusy. */
  readonly pendingBytesMax: number
  /** Kept on disk so that internal records (offset commits) go on when the disk is full. */
  readonly reserveBytes: number
  /** Partition segments whose file is kept open and whose sparse index is kept in memory, for reading. */
  readonly openFilesMax: number
}

/** `sync`: acknowledged after fdatasync (the promise). `os`: after the write; survives a kill, not a power cut. */
export type Durability = 'sync' | 'os'

export interface LogLogger {
  info(message: string, details?: Readonly<Record<string, unknown>>): void
  warn(message: string, details?: Readonly<Record<string, unknown>>): void
}

/** Something that was acknowledged and is given up. */
export interface Loss {
  readonly file: string
  /** Where in the file; null: the file is missing. */
  readonly position: number | null
  readonly what: string
  /** Records of one partition, from the first to the last offset that is lost; absent when it can't be said. */
  readonly records?: {
    readonly topicId: string
    readonly partition: number
    readonly first: number
    readonly last: number
  }
}

export type AcceptLoss = (loss: Loss) => void

export interface LogOptions {
  readonly directory: string
  /** The disk; the real one by default. */
  readonly fs?: LogFileSystem
  readonly limits?: Partial<LogLimits>
  /** A write or sync failed in a way that must not be retried: end the process. Told once. */
  readonly onFatal: (error: Error) => void
  /** Milliseconds since 1970, for time retention. */
  readonly clock?: () => number
  /** Milliseconds that no clock setting moves; performance.now by default. */
  readonly monotonic?: () => number
  readonly durability?: Durability
  /** Random bytes for segment epochs; node:crypto by default. */
  readonly random?: (bytes: number) => Buffer
  readonly logger?: LogLogger
  /** Passes over what was acknowledged and is damaged or missing, and says each loss, instead of refusing it. */
  readonly acceptLoss?: AcceptLoss
}
