/**
 * Bounded history on the disk: segments in the order of time, the newest is written to, the oldest goes when there are
 * too many bytes or it is too old. A segment that can't be read is removed; while the disk refuses to be written to, the
 * newest are kept in memory and are small; they become files when it takes them. What it says about people is for its owner
 * alone.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Segment } from './segment.ts'

export type HistoryLimits = {
  /** Of all segments on the disk. */
  readonly bytesMax: number
  readonly ageMsMax: number
}

export type HistoryOptions = {
  readonly directory: string
  /** Beginning of the files' names. */
  readonly family: string
  readonly schema: string
  readonly limits: HistoryLimits
  /** Hears why something couldn't be kept. */
  readonly onFault: (error: unknown) => void
  /** A segment was begun: nothing that was known about the one before holds for it. */
  readonly begun?: () => void
}

/** The budget in pieces of this size: what goes at once. */
const segmentsPerBudget = 16
const segmentBytesMax = 64 * 1024 * 1024
/** In memory the older half goes when both are full: that is at least one full half of the newest. */
const memoryHalfBytes = 8 * 1024 * 1024
const memoryHalves = 2
const inMemory = ':memory:'
/** Between two attempts at a disk that refuses. */
const retryMs = 10_000
const openMax = 6
/** Times in a segment may be this much later than the disk's. */
const clockSlackMs = 60_000

export class History implements Disposable {
  readonly #options: HistoryOptions
  readonly #segmentBytes: number
  /** Oldest first, on the disk. */
  readonly #numbers: number[]
  /** Those that are open, least recently used first. */
  readonly #open = new Map<number, Segment>()
  /** In memory, oldest first. While there are any, the last is written to. */
  #spares: Segment[] = []
  #newest: Segment | undefined
  #newestBytes = 0
  #triedAtMs = 0
  dropped = 0

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#segmentBytes = Math.min(segmentBytesMax, Math.ceil(options.limits.bytesMax / segmentsPerBudget))
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    narrow(options.directory, 0o700)
    const name = new RegExp(`^${options.family}-(\\d{10})\\.db(\\.part)?$`)
    const files = readdirSync(options.directory)
    // The process ended while it made it.
    for (const file of files)
      if (name.exec(file)?.[2] !== undefined) rmSync(join(options.directory, file), { force: true })
    this.#numbers = files
      .filter((file) => name.exec(file)?.[2] === undefined)
      .flatMap((file) => name.exec(file)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }

  /** Bytes on the disk, write-ahead logs with them. */
  get bytes(): number {
    return this.#numbers.reduce((sum, number) => sum + sizeOf(this.#path(number)), 0)
  }

  get isInMemory(): boolean {
    return this.#spares.length > 0
  }

  /**
   * Writes in one transaction; into memory while the disk refuses.
   * @param work may be called again, on another segment, when its first attempt failed
   */
  write(nowMs: number, work: (segment: Segment) => void): void {
    if (this.isInMemory && this.#isTimeToTry(nowMs)) this.#backToDisk(nowMs)
    this.#makeRoom(nowMs)
    const segment = this.#forWriting(nowMs)
    try {
      segment.together(() => work(segment))
    } catch (error) {
      this.#options.onFault(error)
      if (this.isInMemory) throw error
      this.#setAside(segment)
      this.#triedAtMs = nowMs
      const spare = this.#inMemory()
      spare.together(() => work(spare))
    }
    this.#newestBytes = (this.#newest ?? segment).bytes
  }

  /**
   * Newest first. One that can't be read is removed, and the others are still there.
   * @param sinceMs those that were written to last before it are left out
   */
  *segments(sinceMs = Number.NEGATIVE_INFINITY): Iterable<Segment> {
    yield* this.#spares.toReversed()
    for (const number of this.#numbers.toReversed()) {
      if (this.#writtenAtMs(number) < sinceMs - clockSlackMs) continue
      const segment = this.#opened(number)
      if (segment !== undefined) yield segment
    }
  }

  /** Reads from every segment, newest first; a damaged one gives nothing more from then on. */
  *read<T>(read: (segment: Segment) => Iterable<T>): Iterable<T> {
    for (const segment of this.segments()) yield* this.from(segment, read)
  }

  /**
   * Reads from one segment, which may have been closed or removed since it was given out. When it is damaged it is
   * removed, and there is nothing in it.
   */
  from<T>(segment: Segment, read: (segment: Segment) => Iterable<T>): T[] {
    const isSpare = this.#spares.includes(segment)
    const isFile = segment.path !== inMemory && this.#numbers.includes(segment.number)
    const open = isSpare ? segment : isFile ? this.#opened(segment.number) : undefined
    if (open === undefined) return []
    try {
      return [...read(open)]
    } catch (error) {
      if (!isOfDatabase(error)) throw error
      this.#options.onFault(error)
      if (!isSpare && isDamaged(error)) this.#remove(segment.number)
      return []
    }
  }

  [Symbol.dispose](): void {
    // What only memory has is worth a last attempt.
    if (this.isInMemory) this.#backToDisk(this.#triedAtMs)
    for (const segment of [...this.#open.values(), ...this.#spares]) segment[Symbol.dispose]()
    this.#open.clear()
    this.#spares = []
    this.#newest = undefined
  }

  #writtenAtMs(number: number): number {
    const path = this.#path(number)
    return Math.max(modifiedAtMs(path), modifiedAtMs(`${path}-wal`))
  }

  #path(number: number): string {
    return join(this.#options.directory, `${this.#options.family}-${String(number).padStart(10, '0')}.db`)
  }

  #isTimeToTry(nowMs: number): boolean {
    return Math.abs(nowMs - this.#triedAtMs) >= retryMs
  }

  /** Makes files of what is in memory, oldest first, as far as the disk takes them. */
  #backToDisk(nowMs: number): void {
    this.#triedAtMs = nowMs
    try {
      for (const segment of [...this.#spares]) {
        const number = (this.#numbers.at(-1) ?? 0) + 1
        const path = this.#path(number)
        // Under another name until it is whole.
        rmSync(`${path}.part`, { force: true })
        segment.copyTo(`${path}.part`)
        renameSync(`${path}.part`, path)
        this.#numbers.push(number)
        this.#spares.shift()
        segment[Symbol.dispose]()
      }
      this.#newest = undefined
    } catch (error) {
      this.#options.onFault(error)
      this.#newest = this.#spares.at(-1)
    }
  }

  #forWriting(nowMs: number): Segment {
    if (this.isInMemory) return this.#spareForWriting()
    const found = this.#newest
    if (found !== undefined && this.#newestBytes < this.#segmentBytes && this.#open.has(found.number)) return found
    const last = this.#numbers.at(-1) ?? 0
    const canGoOn = found === undefined && this.#numbers.length > 0 && sizeOf(this.#path(last)) < this.#segmentBytes
    const number = canGoOn ? last : last + 1
    try {
      const segment = this.#opened(number, true)
      if (segment === undefined) throw new Error(`${this.#path(number)} can't be opened`)
      if (!this.#numbers.includes(number)) this.#numbers.push(number)
      this.#begin(segment)
      return segment
    } catch (error) {
      this.#options.onFault(error)
      this.#triedAtMs = nowMs
      return this.#inMemory()
    }
  }

  #spareForWriting(): Segment {
    const newest = this.#spares.at(-1)
    return newest !== undefined && this.#newestBytes < memoryHalfBytes ? newest : this.#inMemory()
  }

  #begin(segment: Segment): void {
    this.#newest = segment
    this.#newestBytes = segment.bytes
    this.#options.begun?.()
  }

  #inMemory(): Segment {
    const segment = new Segment(0, inMemory, this.#options.schema)
    this.#spares.push(segment)
    if (this.#spares.length > memoryHalves) {
      this.#spares.shift()?.[Symbol.dispose]()
      this.dropped += 1
    }
    this.#begin(segment)
    return segment
  }

  #setAside(segment: Segment): void {
    this.#open.delete(segment.number)
    segment[Symbol.dispose]()
    this.#newest = undefined
  }

  #opened(number: number, isNew = false): Segment | undefined {
    const found = this.#open.get(number)
    if (found !== undefined) {
      this.#open.delete(number)
      this.#open.set(number, found)
      return found
    }
    try {
      const segment = new Segment(number, this.#path(number), this.#options.schema)
      for (const end of ['', '-wal', '-shm']) narrow(this.#path(number) + end, 0o600)
      this.#open.set(number, segment)
      this.#closeUnused()
      return segment
    } catch (error) {
      this.#options.onFault(error)
      if (isDamaged(error) && !isNew) this.#remove(number)
      return undefined
    }
  }

  #closeUnused(): void {
    for (const [number, segment] of this.#open) {
      if (this.#open.size <= openMax) return
      if (segment === this.#newest) continue
      this.#open.delete(number)
      segment[Symbol.dispose]()
    }
  }

  #makeRoom(nowMs: number): void {
    const { bytesMax, ageMsMax } = this.#options.limits
    if (this.isInMemory || (this.#newest !== undefined && this.#newestBytes < this.#segmentBytes)) return
    let bytes = this.bytes
    for (const number of this.#numbers.slice(0, -1)) {
      const isOld = this.#writtenAtMs(number) < nowMs - ageMsMax
      if (bytes + this.#segmentBytes <= bytesMax && !isOld) return
      bytes -= sizeOf(this.#path(number))
      this.#remove(number)
      this.dropped += 1
    }
  }

  #remove(number: number): void {
    const segment = this.#open.get(number)
    if (segment !== undefined) this.#setAsideQuietly(number, segment)
    const at = this.#numbers.indexOf(number)
    if (at >= 0) this.#numbers.splice(at, 1)
    for (const end of ['', '-wal', '-shm']) rmSync(this.#path(number) + end, { force: true })
  }

  #setAsideQuietly(number: number, segment: Segment): void {
    this.#open.delete(number)
    if (segment === this.#newest) this.#newest = undefined
    segment[Symbol.dispose]()
  }
}

const isOfDatabase = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_SQLITE_ERROR'
const isDamaged = (error: unknown): boolean => /malformed|not a database|no such/.test(String(error))

const sizeOf = (path: string): number => fileBytes(path) + fileBytes(`${path}-wal`)
const fileBytes = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
const modifiedAtMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** What belongs to somebody else was shared on purpose, and we couldn't change it anyway. */
function narrow(path: string, mode: number): void {
  try {
    chmodSync(path, mode)
  } catch (error) {
    if (!['EPERM', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
