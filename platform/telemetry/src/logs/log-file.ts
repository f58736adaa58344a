/**
 * A log file from its end, or from a moment, to its beginning, and on into `<file>.1`, which rotation set aside. Read in
 * pieces, so that whoever asks for the newest lines never pays for the oldest, nor the other way round. What can't be read
 * has no lines, and says so.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { type LogLine, readLogLine } from './log-line.ts'
import { disorderMs, type LogSource } from './search.ts'

const pieceBytes = 64 * 1024
/** Longer lines are skipped: nobody writes them on purpose. */
export const lineBytesMax = 1024 * 1024
/** Looked at in search of a line with a time, where a moment is looked for. */
const probeBytes = 16 * 1024

export type BackwardLine = { readonly raw: string; readonly line: LogLine }

export class BackwardLog implements LogSource {
  bytesRead = 0
  /** What couldn't be read, and why. */
  fault: string | undefined
  readonly #paths: string[]
  readonly #instance: string
  readonly #toMs: number
  #file: FileHandle | undefined
  #name = ''
  #at = 0
  /** The beginning of the line that the last piece began in the middle of. */
  #rest: Buffer = Buffer.alloc(0)
  /** Without a time of their own, oldest first; they belong to the line before them. */
  #timeless: { raw: string; offset: number }[] = []

  /** @param toMs lines that are newer needn't be read */
  constructor(path: string, toMs = Number.POSITIVE_INFINITY) {
    this.#paths = [path, `${path}.1`]
    this.#instance = basename(path, '.log')
    this.#toMs = toMs
  }

  /** The next older lines, newest first; undefined at the beginning of everything. */
  async next(): Promise<BackwardLine[] | undefined> {
    while (this.#file === undefined) {
      const path = this.#paths.shift()
      if (path === undefined) return undefined
      await this.#open(path)
    }
    try {
      return await this.#read(this.#file)
    } catch (error) {
      await this.#giveUp(error)
      return []
    }
  }

  async #read(file: FileHandle): Promise<BackwardLine[]> {
    const length = Math.min(pieceBytes, this.#at)
    const piece = Buffer.alloc(length)
    this.#at -= length
    const { bytesRead } = await file.read(piece, 0, length, this.#at)
    this.bytesRead += bytesRead
    const text = Buffer.concat([piece.subarray(0, bytesRead), this.#rest])
    const isFirst = this.#at === 0 || bytesRead < length
    // What precedes the first newline may have begun in an older piece.
    const from = isFirst ? 0 : text.indexOf(0x0a) + 1
    this.#rest = isFirst ? Buffer.alloc(0) : text.subarray(0, from === 0 ? text.length : from)
    if (this.#rest.length > lineBytesMax) this.#rest = Buffer.from('\n')
    if (isFirst) await this[Symbol.asyncDispose]()
    return from === 0 && !isFirst ? [] : this.#linesOf(text.subarray(from), this.#at + from)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #open(path: string): Promise<void> {
    this.#name = basename(path)
    try {
      // Without waiting: a pipe of this name would keep us until somebody writes to it.
      this.#file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
      const about = await this.#file.stat()
      if (about.isFile()) this.#at = await this.#endAt(this.#file, about.size)
      else await this[Symbol.asyncDispose]()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await this.#giveUp(error)
    }
  }

  async #giveUp(error: unknown): Promise<void> {
    this.fault = `${this.#name}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`
    this.#rest = Buffer.alloc(0)
    await this[Symbol.asyncDispose]()
  }

  /** Where a line begins behind which there are only newer ones than wanted: by halves, as lines are in the order of time. */
  async #endAt(file: FileHandle, size: number): Promise<number> {
    let [low, high] = [0, size]
    const probe = Buffer.alloc(probeBytes)
    while (Number.isFinite(this.#toMs) && high - low > 4 * pieceBytes) {
      const middle = Math.floor((low + high) / 2)
      const { bytesRead } = await file.read(probe, 0, probeBytes, middle)
      const found = this.#firstTime(probe.subarray(0, bytesRead))
      if (found === undefined) break
      if (found.atMs > this.#toMs + disorderMs) high = middle + found.start
      else low = middle
    }
    return high
  }

  /** Of the whole lines in these bytes, the first that says when it was written. */
  #firstTime(bytes: Buffer): { readonly atMs: number; readonly start: number } | undefined {
    let start = bytes.indexOf(0x0a) + 1
    for (let end = bytes.indexOf(0x0a, start); start > 0 && end >= 0; end = bytes.indexOf(0x0a, start)) {
      const { atMs } = readLogLine(bytes.toString('utf8', start, end), this.#instance)
      if (atMs !== undefined) return { atMs, start }
      start = end + 1
    }
    return undefined
  }

  #linesOf(bytes: Buffer, offset: number): BackwardLine[] {
    const found: BackwardLine[] = []
    let end = bytes.length
    while (end > 0) {
      const newline = bytes[end - 1] === 0x0a ? end - 1 : end
      const start = newline === 0 ? 0 : bytes.lastIndexOf(0x0a, newline - 1) + 1
      if (newline > start) this.#take(bytes.toString('utf8', start, newline), offset + start, found)
      end = start
    }
    return found
  }

  #take(raw: string, offset: number, found: BackwardLine[]): void {
    const { atMs, ...line } = readLogLine(raw, this.#instance)
    if (atMs === undefined) {
      if (this.#timeless.length < 1_000) this.#timeless.push({ raw, offset })
      return
    }
    for (const one of this.#timeless)
      found.push({ raw: one.raw, line: { ...readLogLine(one.raw, this.#instance), id: this.#id(one.offset), atMs } })
    this.#timeless = []
    found.push({ raw, line: { ...line, id: this.#id(offset), atMs } })
  }

  #id(offset: number): string {
    return `${this.#name}:${offset}`
  }
}
