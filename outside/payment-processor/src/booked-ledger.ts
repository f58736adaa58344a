/** The ledger in memory and on the disk: an entry counts once it is synced. */
import type { Log } from '@svyaz/stage'
import { DiskRefused, encodeLine, openSyncedFile, Problem, type SyncedFile } from '@svyaz/stage'
import * as ledgerRules from './ledger.ts'
import { OneAtATime } from './one-at-a-time.ts'

export class BookedLedger implements AsyncDisposable {
  readonly path: string
  readonly state: ReturnType<typeof ledgerRules.emptyLedger>
  readonly #file: SyncedFile
  readonly #entriesMax: number
  readonly #oneAtATime = new OneAtATime()

  /** @throws when what was acknowledged is damaged or missing */
  static async open(
    path: string,
    entriesMax: number,
    log: Log,
    onBroken: (error: unknown) => void,
  ): Promise<BookedLedger> {
    const { file, values, tornBytes } = await openSyncedFile(path, onBroken)
    if (tornBytes > 0) log('warn', 'dropped a torn tail of the ledger', { tornBytes })
    return new BookedLedger(path, file, values as ledgerRules.Entry[], entriesMax)
  }

  private constructor(path: string, file: SyncedFile, entries: ledgerRules.Entry[], entriesMax: number) {
    this.path = path
    this.#file = file
    this.#entriesMax = entriesMax
    this.state = ledgerRules.emptyLedger()
    for (const entry of entries) ledgerRules.apply(this.state, entry)
  }

  get syncedBytes(): number {
    return this.#file.syncedBytes
  }

  get syncs(): number {
    return this.#file.syncs
  }

  /**
   * Decides and records while nothing else touches these keys.
   * @param keys in an order that all callers share, so that two of them can't wait for each other
   */
  async settle<T>(
    keys: readonly string[],
    decide: () => ledgerRules.Decision<T>,
  ): Promise<{ answer: T; replayed: boolean }> {
    const [key, ...rest] = keys
    if (key !== undefined) return await this.#oneAtATime.run(key, () => this.settle(rest, decide))
    const { answer, entry } = decide()
    if (entry !== undefined) await this.#record(entry)
    return { answer, replayed: entry === undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]()
  }

  /** Resolves once the entry is on the disk and in the state. */
  async #record(entry: ledgerRules.NewEntry): Promise<void> {
    if (this.state.sequence >= this.#entriesMax)
      throw new Problem(503, 'ledger_full', 'the ledger holds as many entries as it may')
    let placed: ledgerRules.Entry
    const encode = (place: number) => {
      placed = { v: 1, sequence: this.state.sequence + 1 + place, ...entry } as ledgerRules.Entry
      return encodeLine(placed)
    }
    try {
      // The state moves on only when the entry is durable.
      await this.#file.append(encode, () => ledgerRules.apply(this.state, placed))
    } catch (error) {
      if (!(error instanceof DiskRefused)) throw error
      throw new Problem(503, 'disk_refused', 'the ledger could not be written: nothing has happened, try again', {
        headers: { 'retry-after': '1' },
      })
    }
  }
}
