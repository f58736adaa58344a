/**
 * How the processes were during the last quarter of an hour, for the map's replay (decision 0097): what the supervisor
 * said of them, each change with its time. Kept in a file, so that a console that was killed still knows.
 */
import { join } from 'node:path'
import { keep, type PastProcesses, type Process, type ProcessChange } from '../../protocol.ts'
import { KeptLines } from './kept-lines.ts'

export class ProcessPast {
  readonly #file: KeptLines<ProcessChange>
  readonly #now: () => number
  readonly #beganMs: number
  /** Of an earlier life of this server: believed once a process of that time is seen again. */
  #earlier: readonly ProcessChange[]
  #isSameRun = false
  /** Since this server began, oldest first. */
  #own: ProcessChange[] = []
  readonly #seen = new Set<string>()

  /** @param directory where the file is; @param now ms since 1970 */
  constructor(directory: string, now: () => number) {
    this.#file = new KeptLines(join(directory, 'processes.ndjson'), 2 * keep.processChanges)
    this.#now = now
    this.#beganMs = now()
    this.#earlier = this.#file.read(({ at, name }) => typeof at === 'string' && typeof name === 'string')
  }

  /** A process as it is now. */
  saw(process: Process): void {
    const last = this.#lastOf(process.name)
    this.#seen.add(process.name)
    const isSame = last?.pid === process.pid && last?.status === process.status
    if (last?.pid !== undefined && last.pid === process.pid) this.#isSameRun = true
    if (!isSame) this.#add({ at: this.#at(), name: process.name, process })
  }

  /** It was taken away. */
  removed(name: string): void {
    this.#add({ at: this.#at(), name })
  }

  /** What is kept of the last quarter of an hour. */
  get kept(): PastProcesses {
    return keptOf(this.#all(), this.#now() - keep.pastMs, keep.processChanges)
  }

  #add(change: ProcessChange): void {
    this.#own.push(change)
    // Twice as long as it need be, before it is made short again.
    if (this.#own.length > 2 * keep.processChanges) {
      this.#own = [...this.kept.changes]
      this.#earlier = []
    }
    this.#file.add(change, () => this.kept.changes)
  }

  #all(): ProcessChange[] {
    if (!this.#isSameRun) return this.#own
    const known = new Set(this.#earlier.map(({ name }) => name))
    const at = new Date(this.#beganMs).toISOString()
    // Taken away while this server was not there to see it.
    const missing = [...known].filter((name) => !this.#seen.has(name)).map((name) => ({ at, name }))
    return [...this.#earlier, ...missing, ...this.#own]
  }

  #lastOf(name: string): Process | undefined {
    const isIt = (change: ProcessChange) => change.name === name
    return (this.#own.findLast(isIt) ?? (this.#seen.has(name) ? undefined : this.#earlier.findLast(isIt)))?.process
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

/**
 * The changes since a time, and before them what each process was at that time. Pure.
 * @param changes oldest first
 * @param fromMs ms since 1970; later where there were more changes than `max`
 */
export function keptOf(changes: readonly ProcessChange[], fromMs: number, max: number): PastProcesses {
  const since = changes.findIndex(({ at }) => Date.parse(at) > fromMs)
  const first = Math.max(changes.length - max, since < 0 ? changes.length : since)
  const before = new Map(changes.slice(0, first).map((change) => [change.name, change]))
  const cut = changes[first - 1]?.at
  return {
    fromMs: cut === undefined ? fromMs : Math.max(fromMs, Date.parse(cut)),
    changes: [...before.values()].filter(({ process }) => process !== undefined).concat(changes.slice(first)),
  }
}
