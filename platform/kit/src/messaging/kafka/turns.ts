/**
 * Records of all partitions of a consumer, handled in turns: whatever waits when one turn ends goes into the next, so
 * groups grow by themselves while there is much to do, and a record that comes alone goes alone, at once
 * (docs/decisions/0064). A partition whose record can't be handled yet leaves the turns until it is settled.
 */
import type { IncomingRecord, RecordHandling } from '../transport.ts'
import type { Lane } from './lane.ts'

export interface TurnsOptions {
  readonly recordsMax: number
  readonly gathered: NonNullable<RecordHandling['gathered']>
  readonly signal: AbortSignal
  readonly lanes: () => Iterable<Lane>
  readonly onBroken: (error: unknown) => void
}

interface Taken {
  readonly lane: Lane
  readonly records: readonly IncomingRecord[]
}

export class Turns {
  readonly #options: TurnsOptions
  #running: Promise<void> | undefined
  /** Where the next turn begins to look, so that no partition is always the last. */
  #begin = 0

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** There may be something to take. */
  wake(): void {
    this.#running ??= this.#run()
  }

  /** Whether a turn is under way. */
  get busy(): boolean {
    return this.#running !== undefined
  }

  /** Resolves when no turn is under way: what is fetched then finds all that came meanwhile. */
  async over(): Promise<void> {
    while (this.#running && !this.#options.signal.aborted) await this.#running
  }

  async #run(): Promise<void> {
    // What one answer of the broker brings to several partitions is one turn.
    await Promise.resolve()
    while (!this.#options.signal.aborted) {
      const taken = this.#take()
      // Nothing may come between this look and the end: a wake would be lost.
      if (taken.length === 0) break
      await this.#turn(taken)
    }
    this.#running = undefined
  }

  /** Ends when all that was taken is finished, or was tried once by its own partition. */
  async #turn(taken: readonly Taken[]): Promise<void> {
    const { gathered, signal, onBroken } = this.#options
    const records = taken.map((part) => part.records)
    const counts = gathered(records, signal).catch((error: unknown): readonly number[] => {
      // As everywhere: failures are settled inside; what comes here is the end of the wait at a revoke.
      if (!signal.aborted) onBroken(error)
      return []
    })
    const tries = taken.map((part, index) => {
      const tried = Promise.withResolvers<void>()
      const finished = counts.then((all) => all[index] ?? 0)
      part.lane.join(part.records.length, finished, tried.resolve)
      return tried.promise
    })
    await Promise.all(tries)
  }

  #take(): Taken[] {
    const lanes = [...this.#options.lanes()]
    const taken: Taken[] = []
    let room = this.#options.recordsMax
    for (let index = 0; index < lanes.length && room > 0; index++) {
      const lane = lanes[(this.#begin + index) % lanes.length]!
      const records = lane.waiting(room)
      if (records.length === 0) continue
      room -= records.length
      taken.push({ lane, records })
    }
    this.#begin += 1
    return taken
  }
}
