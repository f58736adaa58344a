/**
 * What people asked of the system from pages: kept in a file, so that a restart of the console doesn't forget who
 * killed what.
 */
import { join } from 'node:path'
import { type Activity, keep } from '../../protocol.ts'
import { KeptLines } from './kept-lines.ts'

export type Asked = Omit<Activity, 'id' | 'at' | 'refused'>

export class ActivityLog {
  readonly #file: KeptLines<Activity>
  readonly #added: (entry: Activity) => void
  /** Oldest first. */
  #entries: Activity[]

  /** @param directory where the file is; @param added hears of each new entry */
  constructor(directory: string, added: (entry: Activity) => void) {
    this.#file = new KeptLines(join(directory, 'activity.ndjson'), 2 * keep.activity)
    this.#added = added
    this.#entries = this.#file
      .read(({ id, at }) => typeof id === 'number' && typeof at === 'string')
      .slice(-keep.activity)
  }

  /** Newest first. */
  get entries(): readonly Activity[] {
    return this.#entries.toReversed()
  }

  /** @param refused the code of the refusal, when it was not done */
  add(asked: Asked, refused?: string): void {
    const id = (this.#entries.at(-1)?.id ?? 0) + 1
    const entry = { id, at: new Date().toISOString(), ...asked, ...(refused === undefined ? {} : { refused }) }
    this.#entries = [...this.#entries, entry].slice(-keep.activity)
    this.#file.add(entry, () => this.#entries)
    this.#added(entry)
  }
}
