/**
 * One partition while this instance owns it: its records wait in a bounded queue and are handled one after another.
 * A handler that waits for something holds up its own partition and no other.
 */
import { committablePosition } from '../decide.ts'
import type { IncomingRecord } from '../transport.ts'
import { type ReadRecord, readBatches } from './records.ts'
import { fetchSettings } from './settings.ts'

type Batches = Parameters<typeof readBatches>[3]

export interface LaneOptions {
  topic: string
  partition: number
  /** The committed position, or the start of the partition. */
  position: bigint
  handle(record: IncomingRecord, signal: AbortSignal): Promise<void>
  signal: AbortSignal
  /** A record is finished: there is something to commit, and perhaps room in the queue again. */
  onFinished(): void
  /** The handler broke its promise to settle every failure; the consumer is to be built anew. */
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
  #read: (ReadRecord & { finished: boolean })[] = []
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
    return this.#read.length < fetchSettings.queuedRecordsMax
  }

  /** Unfinished and unread records. */
  get lag(): bigint {
    const done = this.committable
    return this.highWatermark > done ? this.highWatermark - done : 0n
  }

  get committable(): bigint {
    return committablePosition(this.#read, this.position)
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
    for (const record of records) this.#read.push({ ...record, finished: false })
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
    const { signal } = this.#options
    while (!signal.aborted) {
      const next = this.#read.find((record) => !record.finished)
      if (!next) break
      try {
        await this.#options.handle(next.record, signal)
      } catch (error) {
        // Handlers settle every failure themselves; what comes here is the end of the wait at a revoke.
        if (!signal.aborted) this.#options.onBroken(error)
        break
      }
      next.finished = true
      this.leaderEpoch = next.leaderEpoch
      while (this.#read[0]?.finished) this.#read.shift()
      this.#options.onFinished()
    }
    this.#working = undefined
  }
}
