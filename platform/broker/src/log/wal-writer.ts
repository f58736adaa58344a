/**
 * Group commit. While one unit is being written and synced, appends collect; when it is durable they all become the next
 * one. No timer: an append to an idle log waits for the end of the event loop's turn only, so that requests that arrived
 * together go together.
 *
 * Space is decided before writing. The active segment is preallocated, the next one is prepared while the active one
 * fills. When the next can't be prepared for want of space, batches are refused while the last `reserveBytes` of the
 * active one go to internal records; each refusal tries again (at most every RETRY_SPACING_MS), so that writing resumes
 * by itself.
 */
import { LogFailed, StorageFull } from './errors.ts'
import type { Durability, LogLimits } from './log.ts'
import { hasCode } from './real-file-system.ts'
import type { StorageWatch } from './storage-state.ts'
import type { SyncedMark } from './synced-mark.ts'
import { encodeUnit, SECTOR_BYTES, type UnitEntry, unitBytes, WAL_HEADER_BYTES } from './wal-format.ts'
import type { WalSegment } from './wal-segment.ts'
import type { WalStore } from './wal-store.ts'

const RETRY_SPACING_MS = 250

/** One call of append, encoded sizes known, waiting for its unit. */
export interface PendingAppend {
  readonly entries: readonly UnitEntry[]
  readonly bytes: number
  readonly hasBatch: boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export interface WriterHost {
  /** Memory for the next unit. */
  room(bytes: number): Buffer
  /** A unit is durable: make it visible. `batchAts[i]` is where the batch of entry i begins inside the unit. */
  publish(entries: readonly UnitEntry[], batchAts: readonly number[], segment: WalSegment, unit: Buffer): void
  /** Every append with a batch that was waiting has been refused. */
  batchesRefused(): void
  /** The segment is full; its end is final. */
  sealed(segment: WalSegment): void
  /** Resolves when another sealed segment may wait for archiving; rejects with StorageFull when that is stuck. */
  roomForSealed(): Promise<void>
  /** Milliseconds, for spacing retries. */
  now(): number
  readonly storage: StorageWatch
  fail(error: Error): void
}

export class WalWriter {
  active: WalSegment
  /** Sequence number of the last durable unit. */
  sequence: number
  pendingBytes = 0
  units = 0
  appendedBytes = 0
  syncs = 0
  syncMsTotal = 0
  readonly #store: WalStore
  readonly #mark: SyncedMark
  readonly #limits: LogLimits
  readonly #durability: Durability
  readonly #host: WriterHost
  #queue: PendingAppend[] = []
  #running: Promise<void> | null = null
  #next: WalSegment | null = null
  #preparing: Promise<void> | null = null
  #lastFullMs = Number.NEGATIVE_INFINITY
  #failed: LogFailed | null = null

  constructor(
    store: WalStore,
    mark: SyncedMark,
    limits: LogLimits,
    durability: Durability,
    host: WriterHost,
    active: WalSegment,
    sequence: number,
  ) {
    this.#store = store
    this.#mark = mark
    this.#limits = limits
    this.#durability = durability
    this.#host = host
    this.active = active
    this.sequence = sequence
  }

  get pendingAppends(): number {
    return this.#queue.length
  }

  add(append: PendingAppend): void {
    if (this.#failed !== null) {
      append.reject(this.#failed)
      return
    }
    this.#queue.push(append)
    this.pendingBytes += append.bytes
    this.#running ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#run())
  }

  /** Resolves when nothing is queued or in flight and no segment is being prepared. */
  async drained(): Promise<void> {
    while (this.#running !== null || this.#preparing !== null) {
      await this.#running
      await this.#preparing
    }
  }

  async close(): Promise<void> {
    await this.drained()
    await this.active.file.close()
    await this.#next?.file.close()
    await this.#mark.close()
  }

  /** Takes nothing more and rejects what waits. */
  fail(cause: Error): void {
    if (this.#failed !== null) return
    this.#failed = new LogFailed(`the log has failed: ${cause.message}`, { cause })
    for (const append of this.#queue.splice(0)) append.reject(this.#failed)
    this.pendingBytes = 0
  }

  /** Tries again to get the next segment now if the last attempt failed for want of space. */
  retry(): void {
    if (this.#host.storage.state !== 'ok' && this.#next === null && this.#preparing === null) this.#prepare(0)
  }

  /** Full segments can be archived again: if only that was in the way, batches are taken. */
  archivingWorks(): void {
    if (this.#next !== null) this.#host.storage.tell('batches', false)
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const count = this.#groupLength()
        const group = this.#queue.slice(0, count)
        const segment = await this.#segmentFor(group)
        if (this.#failed !== null) return
        if (segment === null) continue
        this.#queue.splice(0, count)
        await this.#writeUnit(segment, group)
      }
    } catch (error) {
      this.#host.fail(error as Error)
    } finally {
      this.#running = null
    }
  }

  #groupLength(): number {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length) {
      bytes += this.#queue[count]!.bytes
      if (count > 0 && bytes > this.#limits.unitBytesMax) break
      count++
    }
    return count
  }

  /** The segment that takes this group, or null when something was refused and the queue must be looked at again. */
  async #segmentFor(group: readonly PendingAppend[]): Promise<WalSegment | null> {
    const bytes = unitBytes(sumOfBytes(group))
    const reserve = group.some((append) => append.hasBatch) ? this.#reserveOf(this.active) : 0
    if (this.active.remaining() >= bytes + reserve) return this.active
    try {
      await this.#nextFor(bytes)
      if (this.active.remaining() >= bytes) return this.active
      await this.#host.roomForSealed()
      if (this.#failed === null) await this.#roll()
      return null
    } catch (error) {
      if (!(error instanceof StorageFull)) throw error
      this.#refuse(error, reserve === 0)
      return null
    }
  }

  #reserveOf(segment: WalSegment): number {
    const most = Math.floor((segment.capacityBytes - WAL_HEADER_BYTES) / 4)
    return Math.floor(Math.min(this.#limits.reserveBytes, most) / SECTOR_BYTES) * SECTOR_BYTES
  }

  /** Makes sure that a next segment which holds `bytes` is ready; throws StorageFull. */
  async #nextFor(bytes: number): Promise<void> {
    if (this.#preparing !== null) await this.#preparing
    if (this.#next === null) {
      const since = this.#host.now() - this.#lastFullMs
      if (since >= 0 && since < RETRY_SPACING_MS) throw new StorageFull('no space for the next log segment')
      this.#prepare(bytes)
      await this.#preparing
    }
    if (this.#failed !== null) return
    if (this.#next === null) throw new StorageFull('no space for the next log segment')
  }

  #prepare(bytesAtLeast: number): void {
    const { walSegmentBytes } = this.#limits
    const wanted = Math.min(walSegmentBytes, Math.max(this.active.capacityBytes * 2, bytesAtLeast * 2))
    this.#preparing = this.#store
      .prepare(this.active.number + 1, wanted)
      .then((segment) => {
        this.#next = segment
        this.#host.storage.tell('segment', false)
        this.#host.storage.tell('batches', false)
        this.#lastFullMs = Number.NEGATIVE_INFINITY
      })
      .catch((error: Error) => {
        if (!hasCode(error, 'ENOSPC')) return this.#host.fail(error)
        this.#lastFullMs = this.#host.now()
        this.#host.storage.tell('segment', true)
      })
      .finally(() => {
        this.#preparing = null
      })
  }

  async #roll(): Promise<void> {
    try {
      // Before the first unit in it: a segment that holds something acknowledged is known by name.
      await this.#mark.name(this.#next!.number)
    } catch (error) {
      if (!hasCode(error, 'ENOSPC')) throw error
      throw new StorageFull('no space to name the next log segment', { cause: error })
    }
    const full = this.active
    this.active = this.#next!
    this.#next = null
    this.#host.sealed(full)
  }

  /** Refuses what waits: appends with batches, or everything when not even the reserve holds the first one. */
  #refuse(error: StorageFull, everything: boolean): void {
    this.#host.storage.tell('batches', true)
    const refused = this.#queue.filter((append) => everything || append.hasBatch)
    this.#queue = this.#queue.filter((append) => !everything && !append.hasBatch)
    for (const append of refused) this.pendingBytes -= append.bytes
    this.#host.batchesRefused()
    for (const append of refused) append.reject(error)
  }

  async #writeUnit(segment: WalSegment, group: PendingAppend[]): Promise<void> {
    const entries = group.flatMap((append) => append.entries)
    const batchAts: number[] = []
    const room = (bytes: number) => this.#host.room(bytes)
    const unit = encodeUnit(this.sequence + 1, segment.epoch, entries, room, (index, at) => {
      batchAts[index] = at
    })
    const startedAt = performance.now()
    try {
      if (!(await this.#tryWrite(segment, unit))) {
        this.#queue.unshift(...group)
        this.#refuse(new StorageFull('the log segment could not be written for want of space'), true)
        return
      }
      if (this.#durability === 'sync') {
        await segment.file.sync()
        this.syncs++
        this.syncMsTotal += performance.now() - startedAt
      }
    } catch (error) {
      // After a failed write or sync nobody knows what is on the medium, and a second sync may wrongly succeed.
      this.#queue.unshift(...group)
      throw error
    }
    if (this.#failed !== null) {
      for (const append of group) append.reject(this.#failed)
      return
    }
    this.sequence++
    this.units++
    if (this.#durability === 'sync') this.#mark.advance(this.sequence)
    if (segment.end === WAL_HEADER_BYTES) segment.firstSequence = this.sequence
    segment.lastSequence = this.sequence
    const bytes = sumOfBytes(group)
    this.appendedBytes += bytes
    this.pendingBytes -= bytes
    this.#host.publish(entries, batchAts, segment, unit)
    segment.end += unit.length
    for (const append of group) append.resolve()
    if (group.some((append) => append.hasBatch)) this.#host.storage.tell('batches', false)
    this.#prepareInTime()
  }

  /** False when a copy-on-write file system had no space for it even though the file is preallocated. */
  async #tryWrite(segment: WalSegment, unit: Buffer): Promise<boolean> {
    try {
      await segment.file.write(unit, segment.end)
      return true
    } catch (error) {
      if (!hasCode(error, 'ENOSPC')) throw error
      // What was refused must not come back after a crash: without its header the unit is none.
      await segment.file.write(Buffer.alloc(SECTOR_BYTES), segment.end)
      await segment.file.sync()
      return false
    }
  }

  #prepareInTime(): void {
    if (this.#next !== null || this.#preparing !== null) return
    if (this.active.remaining() * 2 > this.active.capacityBytes) return
    const since = this.#host.now() - this.#lastFullMs
    if (since < 0 || since >= RETRY_SPACING_MS) this.#prepare(0)
  }
}

function sumOfBytes(appends: readonly PendingAppend[]): number {
  let total = 0
  for (const append of appends) total += append.bytes
  return total
}
