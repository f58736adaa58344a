/**
 * Whether the disk has room for the log, and a line at each change of that. Three parts of the log meet a full disk:
 * `segment` (no room to prepare the next write-ahead segment), `archiving` (none to rewrite full ones), `batches` (what
 * was prepared is used up: appends with batches are refused).
 */
import type { LogLogger, StorageState } from './log.ts'

export type StoragePart = 'segment' | 'archiving' | 'batches'

const lines: Readonly<Record<StorageState, string>> = {
  ok: 'the disk has room again: writes are taken',
  low: 'the disk is full: writes go on in the space that is left in the log, then they are refused',
  full: 'the disk is full: writes are refused until there is room; reads go on',
}

export class StorageWatch {
  readonly #logger: LogLogger
  readonly #directory: string
  readonly #troubled = new Set<StoragePart>()

  constructor(logger: LogLogger, directory: string) {
    this.#logger = logger
    this.#directory = directory
  }

  get state(): StorageState {
    return this.#troubled.has('batches') ? 'full' : this.#troubled.size > 0 ? 'low' : 'ok'
  }

  tell(part: StoragePart, troubled: boolean): void {
    const before = this.state
    if (troubled) this.#troubled.add(part)
    else this.#troubled.delete(part)
    const now = this.state
    if (now === before) return
    const details = { directory: this.#directory, storage: now }
    if (now === 'ok') this.#logger.info(lines.ok, details)
    else this.#logger.warn(lines[now], details)
  }
}
