/**
 * What people asked of the system from pages: kept in a file, so that a restart of the console doesn't forget who
 * killed what. Bounded: the file is written again when it has grown to twice what is kept.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Activity, keep } from '../../protocol.ts'

export type Asked = Omit<Activity, 'id' | 'at' | 'refused'>

export class ActivityLog {
  readonly #directory: string
  readonly #file: string
  readonly #added: (entry: Activity) => void
  /** Oldest first. */
  #entries: Activity[]
  #lines: number

  /** @param directory where the file is; @param added hears of each new entry */
  constructor(directory: string, added: (entry: Activity) => void) {
    this.#directory = directory
    this.#file = join(directory, 'activity.ndjson')
    this.#added = added
    const known = readEntries(this.#file)
    this.#entries = known.slice(-keep.activity)
    // So that what comes next doesn't continue a line that a crash cut.
    this.#lines = Number.POSITIVE_INFINITY
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
    this.#write(entry)
    this.#added(entry)
  }

  /** A disk that takes nothing keeps nobody from acting: the entry is shown all the same. */
  #write(entry: Activity): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
      if (this.#lines >= 2 * keep.activity) {
        writeFileSync(this.#file, this.#entries.map(lineOf).join(''), { mode: 0o600 })
        this.#lines = this.#entries.length
      } else {
        appendFileSync(this.#file, lineOf(entry), { mode: 0o600 })
        this.#lines += 1
      }
    } catch {}
  }
}

const lineOf = (entry: Activity): string => `${JSON.stringify(entry)}\n`

/** Lines that a crash cut are left out. */
function readEntries(file: string): Activity[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as Activity
      return typeof entry.id === 'number' && typeof entry.at === 'string' ? [entry] : []
    } catch {
      return []
    }
  })
}
