/**
 * One partition while this instance owns it: its records wait in a bounded queue and are handled in their order,
 * as many together as wait. A handler that waits for something holds up its own partition and no other.
 */
import type { RecordHandling } from '../transport.ts'
import { type ReadRecord, readBatches } from './records.ts'
import { fetchSettings } from './settings.ts'

type Batches = Parameters<typeof readBatches>[3]

export interface LaneOptions {
  topic: string
  partition: number
  /** The committed position, or the start of the partition. */
  position: bigint
  handle: RecordHandling
  signal: AbortSignal
  /** A record is finished: there is something to commit, and perhaps room in the queue again. */
  onFinished(): void
  /** The handler broke its promise to settle every failure; the consumer is to be rebuilt. */
  onBroken(error: unknown): void
}

export class Lane {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  position: bigint
  /** What the broker has, as last heard. */
  highWatermark = 0n
  leaderEpoch = -1
  readonly #options: LaneOptions
  #read: ReadRecord[] = []
  #working: Promise<void> | undefined
  #committed: bigint

  constructor(options: LaneOptions) {
    this.#options = options
    this.topic = options.topic
    this.partition = options.partition
    this.position = options.position
    this.#committed = options.position
  }

  get hasRoom(): boolean {
    return this.#read.length < Math.max(fetchSettings.queuedRecordsMax, 4 * this.#options.handle.recordsMax)
  }

  /** Unfinished and unread records. */
  get lag(): bigint {
    const done = this.committable
    return this.highWatermark > done ? this.highWatermark - done : 0n
  }

  get committable(): bigint {
    return this.#read[0]?.offset ?? this.position
  }

  get uncommitted(): bigint | undefined {
    return this.committable > this.#committed ? this.committable : undefined
  }

  wasCommitted(position: bigint): void {
    if (position > this.#committed) this.#committed = position
  }

  take(batches: Batches): void {
    const { records, next } = readBatches(this.topic, this.partition, this.position, batches)
    this.position = next
    for (const record of records) this.#read.push(record)
    if (records.length > 0) this.#working ??= this.#work()
  }

  /** The partition begins later than the position: its records were retained away. */
  restartAt(position: bigint): void {
    this.position = position
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    const { signal, handle } = this.#options
    while (!signal.aborted) {
      const batch = this.#read.slice(0, handle.recordsMax)
      if (batch.length === 0) break
      let left = batch.length
      const finished = (records: number) => {
        left -= records
        if (records > 0) this.#drop(records)
      }
      try {
        const records = batch.map(({ record }) => record)
        await handle.together(records, signal, finished)
      } catch (error) {
        // Handlers settle every failure themselves; what comes here is the end of the wait at a revoke.
        if (!signal.aborted) this.#options.onBroken(error)
        break
      }
      finished(left)
    }
    this.#working = undefined
  }

  /** What is finished is dropped at once, so the unfinished come first. */
  #drop(records: number): void {
    this.leaderEpoch = this.#read.splice(0, records).at(-1)?.leaderEpoch ?? this.leaderEpoch
    this.#options.onFinished()
  }
}
