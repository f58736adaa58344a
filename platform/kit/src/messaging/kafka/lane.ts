/**
 * One partition while this instance owns it: its records wait in a bounded queue and are handled in their order, as
 * many together as wait: with those of other partitions (turns.ts), or by itself. A handler that waits for something
 * holds up its own partition and no other.
 */
import type { IncomingRecord, RecordHandling } from '../transport.ts'
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
  /** There are records: whoever gathers those of all partitions takes them. Absent: this one handles its own. */
  onWaiting?: (() => void) | undefined
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
    if (records.length === 0) return
    if (this.#options.onWaiting) this.#options.onWaiting()
    else this.#working ??= this.#work()
  }

  /** The records that nobody works on yet, `max` at most. */
  waiting(max: number): readonly IncomingRecord[] {
    return this.#working ? [] : this.#read.slice(0, max).map(({ record }) => record)
  }

  /**
   * Takes part in a turn: the first `taken` records are handled by it.
   * @param turn resolves with how many of them it finished; the rest is then handled here, and nothing else beside it
   * @param tried is called when the first of that rest was tried, or there is none
   */
  join(taken: number, turn: Promise<number>, tried: () => void): void {
    this.#working = this.#afterTurn(taken, turn, tried)
  }

  async #afterTurn(taken: number, turn: Promise<number>, tried: () => void): Promise<void> {
    try {
      const finished = await turn
      if (finished > 0) this.#drop(finished)
      const rest = taken - finished
      if (rest > 0 && !this.#options.signal.aborted) await this.#portion(rest, tried)
    } finally {
      tried()
      this.#working = undefined
      if (this.#read.length > 0) this.#options.onWaiting?.()
    }
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
    while (!signal.aborted && this.#read.length > 0) {
      if (!(await this.#portion(Math.min(this.#read.length, handle.recordsMax)))) break
    }
    this.#working = undefined
  }

  /** Handles the first ones; false when that was given up. */
  async #portion(size: number, tried?: () => void): Promise<boolean> {
    const { signal, handle } = this.#options
    let left = size
    const finished = (records: number) => {
      left -= records
      if (records > 0) this.#drop(records)
    }
    try {
      const records = this.#read.slice(0, size).map(({ record }) => record)
      await handle.together(records, signal, { finished, ...(tried && { tried }) })
    } catch (error) {
      // Handlers settle every failure themselves; what comes here is the end of the wait at a revoke.
      if (!signal.aborted) this.#options.onBroken(error)
      return false
    }
    finished(left)
    return true
  }

  /** What is finished is dropped at once, so the unfinished come first. */
  #drop(records: number): void {
    this.leaderEpoch = this.#read.splice(0, records).at(-1)?.leaderEpoch ?? this.leaderEpoch
    this.#options.onFinished()
  }
}
