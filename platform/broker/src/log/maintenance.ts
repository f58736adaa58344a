/**
 * Background work on files: archiving sealed write-ahead segments, checkpoints, removal of what retention and deletion
 * have freed. One piece at a time, so that each sees the files as the last one left them; appends and reads go on.
 */
import type { Archiver } from './archiver.ts'
import { encodeCheckpoint } from './checkpoint-format.ts'
import { StorageFull } from './errors.ts'
import type { LogFileSystem } from './file-system.ts'
import type { LogLimits } from './log.ts'
import type { PartitionState, Topics } from './partition-state.ts'
import type { LogPaths } from './paths.ts'
import { hasCode } from './real-file-system.ts'
import type { SegmentReader } from './segment-reader.ts'
import type { UnitCache } from './unit-cache.ts'
import type { WalSegment } from './wal-segment.ts'
import type { WalStore } from './wal-store.ts'

export interface MaintenanceHost {
  readonly topics: Topics
  readonly internal: ReadonlyMap<string, Buffer>
  /** Sequence number of the last durable unit. */
  durableSequence(): number
  /** Number of the first write-ahead segment that isn't archived: the oldest sealed or the active one. */
  activeSegment(): number
  /** Whether archiving works, or lacks space: told after each attempt. */
  archiving(works: boolean): void
  fail(error: Error): void
}

export interface MaintenanceParts {
  readonly fs: LogFileSystem
  readonly paths: LogPaths
  readonly logId: Buffer
  readonly limits: LogLimits
  readonly store: WalStore
  readonly archiver: Archiver
  readonly reader: SegmentReader
  readonly cache: UnitCache
}

export class Maintenance {
  checkpoints = 0
  readonly #parts: MaintenanceParts
  readonly #host: MaintenanceHost
  /** Full and not archived, oldest first. */
  readonly #sealed: WalSegment[]
  /** Archived, but no checkpoint on disk says so yet. */
  #archived: WalSegment[] = []
  /** Of the last unit that has been archived. */
  #archivedSequence: number
  /** Files and directories that nothing refers to any more. */
  #garbage: string[] = []
  #queue: Promise<void> = Promise.resolve()
  #archiving = false
  #stopped = false
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  constructor(parts: MaintenanceParts, host: MaintenanceHost, sealed: readonly WalSegment[], archivedSequence: number) {
    this.#parts = parts
    this.#host = host
    this.#sealed = [...sealed]
    this.#archivedSequence = archivedSequence
  }

  get unarchivedSegments(): number {
    return this.#sealed.length
  }

  sealedSegment(number: number): WalSegment | undefined {
    return this.#sealed.find((segment) => segment.number === number)
  }

  sealed(segment: WalSegment): void {
    this.#sealed.push(segment)
    this.startArchiving()
  }

  /** Resolves when another sealed segment may wait; rejects with StorageFull when archiving lacks space. */
  async roomForSealed(): Promise<void> {
    if (this.#sealed.length < this.#parts.limits.unarchivedSegmentsMax) return
    this.startArchiving()
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Archives every sealed segment, in the background; after a want of space it begins again here. */
  startArchiving(): void {
    if (this.#archiving || this.#stopped) return
    this.#archiving = true
    void this.#run(async () => {
      while (this.#sealed.length > 0 && !this.#stopped) await this.#archiveFirst()
      if (this.#archived.length > 0) await this.#checkpoint()
    })
      .then(() => {
        this.#host.archiving(true)
      })
      .catch((error: Error) => this.#trouble(error))
      .finally(() => {
        this.#archiving = false
        this.#wake()
      })
  }

  /** Writes a checkpoint now. Rejects with StorageFull. */
  async checkpoint(): Promise<void> {
    try {
      await this.#run(() => this.#checkpoint())
    } catch (error) {
      if (hasCode(error, 'ENOSPC')) throw new StorageFull('no space for a checkpoint', { cause: error })
      this.#host.fail(error as Error)
      throw error
    }
  }

  /** Removes the segments of partitions that lie wholly below their log start. */
  async removeExpired(partitions: Iterable<PartitionState>): Promise<void> {
    for (const state of partitions) {
      const kept = state.segments.filter((segment) => segment.nextOffset > state.logStart)
      if (kept.length === state.segments.length) continue
      for (const segment of state.segments) {
        if (segment.nextOffset <= state.logStart) this.#discard(this.#parts.reader.pathOf(state, segment))
      }
      state.segments = kept
    }
    await this.collectGarbage()
  }

  async removeTopic(topicId: string, partitions: Iterable<PartitionState>): Promise<void> {
    for (const state of partitions) {
      for (const segment of state.segments) this.#parts.reader.forget(this.#parts.reader.pathOf(state, segment))
    }
    await this.#guarded(() => this.#removeTree(this.#parts.paths.topic(topicId)))
  }

  async collectGarbage(): Promise<void> {
    await this.#guarded(async () => {
      for (const path of this.#garbage.splice(0)) await this.#parts.fs.remove(path)
    })
  }

  /** Lets the segment that is being archived be finished and starts no other: the next start takes up the rest. */
  async quiesce(): Promise<void> {
    this.#stopped = true
    await this.#queue
  }

  async close(): Promise<void> {
    await this.quiesce()
    for (const segment of [...this.#sealed, ...this.#archived]) {
      await segment.idle()
      await segment.file.close()
    }
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    await this.#run(work).catch((error: Error) => this.#host.fail(error))
  }

  async #archiveFirst(): Promise<void> {
    const { archiver, reader, cache } = this.#parts
    const wal = this.#sealed[0]!
    const archived = await archiver.archive(wal)
    for (const { state, segments, archivedEnd, changedPaths } of archived) {
      for (const path of changedPaths) reader.forget(path)
      // Retention may have taken some away while the archiver worked.
      state.segments = segments.filter((segment) => segment.nextOffset > state.logStart)
      state.archivedEnd = archivedEnd
      for (const segment of segments) {
        if (segment.nextOffset <= state.logStart) this.#garbage.push(reader.pathOf(state, segment))
      }
    }
    for (const state of this.#host.topics.partitions()) {
      if (state.tables[0] !== undefined && state.tables[0].walSegment <= wal.number) {
        state.tables = state.tables.filter((table) => table.walSegment > wal.number)
      }
    }
    cache.dropThrough(wal.number)
    this.#sealed.shift()
    if (!Number.isNaN(wal.lastSequence)) this.#archivedSequence = wal.lastSequence
    this.#archived.push(wal)
    await this.#checkpoint()
    this.#wake()
  }

  async #checkpoint(): Promise<void> {
    const { fs, paths, logId, store } = this.#parts
    const firstWalSegment = this.#sealed[0]?.number ?? this.#host.activeSegment()
    const retirable = this.#archived.filter((segment) => segment.number < firstWalSegment)
    const bytes = encodeCheckpoint({
      logId,
      unitSequence: this.#host.durableSequence(),
      firstWalSegment,
      archivedSequence: this.#archivedSequence,
      partitions: Iterator.from(this.#host.topics.partitions()).map((state) => state.summary()),
      internal: this.#host.internal,
    })
    await writeCheckpointFile(fs, paths, bytes)
    this.checkpoints++
    this.#archived = this.#archived.filter((segment) => !retirable.includes(segment))
    for (const segment of retirable) await store.retire(segment)
    for (const path of this.#garbage.splice(0)) await fs.remove(path)
  }

  #discard(path: string): void {
    this.#parts.reader.forget(path)
    this.#garbage.push(path)
  }

  async #removeTree(path: string): Promise<void> {
    const { fs } = this.#parts
    for (const partition of await fs.list(path)) {
      const directory = `${path}/${partition}`
      for (const name of await fs.list(directory)) await fs.remove(`${directory}/${name}`)
      await fs.remove(directory)
    }
    await fs.remove(path)
  }

  #trouble(error: Error): void {
    if (hasCode(error, 'ENOSPC')) {
      this.#host.archiving(false)
      const full = new StorageFull('no space to archive the log', { cause: error })
      for (const { reject } of this.#waiting.splice(0)) reject(full)
    } else {
      for (const { reject } of this.#waiting.splice(0)) reject(error)
      this.#host.fail(error)
    }
  }

  #wake(): void {
    if (this.#sealed.length >= this.#parts.limits.unarchivedSegmentsMax && !this.#stopped) return
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }
}

/** Replaces the checkpoint; durable when it resolves, and at every moment either the old or the new one is there. */
export async function writeCheckpointFile(fs: LogFileSystem, paths: LogPaths, bytes: Buffer): Promise<void> {
  const file = await fs.open(paths.checkpointNext, 'replace')
  try {
    await file.write(bytes, 0)
    await file.sync()
  } catch (error) {
    await file.close()
    if (hasCode(error, 'ENOSPC')) await fs.remove(paths.checkpointNext)
    throw error
  }
  await file.close()
  await fs.rename(paths.checkpointNext, paths.checkpoint)
  await fs.syncDirectory(paths.root)
}
