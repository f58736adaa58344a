/**
 * What an instance writes, in a file of bounded size. Writes are synchronous, so that the last words of a dying
 * process are on disk when its end is reported.
 */
import * as files from 'node:fs'
import { dirname } from 'node:path'
import { oneLine } from './probe.ts'

/** The file is set aside as `<file>.1` before it would grow beyond this; one such predecessor is kept. */
export const logBytesMax = 8 * 1024 * 1024

/** How long nothing is tried after a file that couldn't be set aside or opened: each try is five calls of the disk. */
export const againAfterMs = 1_000

/** The disk, as far as logs need it. */
export type Disk = Pick<
  typeof import('node:fs'),
  'closeSync' | 'fstatSync' | 'mkdirSync' | 'openSync' | 'renameSync' | 'writeSync'
>

/** Kept of what a process writes on standard error. */
const heardCharactersMax = 4_096
/** Lines of a stack, and what Node itself remarks. */
const noise = /^\s+at |^Node\.js v|^\(node:\d+\)|^\(Use `node /

export class Output implements Disposable {
  readonly path: string
  readonly #bytesMax: number
  readonly #disk: Disk
  readonly #now: () => number
  /** Undefined after the end, and while a full disk refuses the next file. */
  #file: number | undefined
  #isEnded = false
  /** Before that the next file isn't tried for. */
  #againAt = Number.NEGATIVE_INFINITY
  #bytes = 0
  /** Chunks that a full disk refused. */
  #lost = 0
  #heard = ''
  #wordsBefore: string | undefined

  /** @param now milliseconds of a monotonic clock */
  constructor(path: string, bytesMax = logBytesMax, now = () => performance.now(), disk: Disk = files) {
    this.path = path
    this.#bytesMax = bytesMax
    this.#now = now
    this.#disk = disk
    try {
      this.#open()
    } catch {
      // The disk is full: the first write tries again, and counts what is lost.
    }
  }

  /** Appends; a chunk that can't be written is counted and the count is noted once writing works again. */
  write(chunk: Buffer): void {
    if (this.#isEnded) return
    if (this.#file === undefined && this.#now() < this.#againAt) {
      this.#lost += 1
      return
    }
    try {
      if (this.#file === undefined) this.#open()
      if (this.#bytes + chunk.length > this.#bytesMax) this.#rotate()
      if (this.#lost > 0) this.#noteLost()
      this.#append(chunk)
    } catch {
      // The disk is full. Logs are the first thing to do without; the process they tell about goes on.
      this.#lost += 1
      if (this.#file === undefined) this.#againAt = this.#now() + againAfterMs
    }
  }

  /** A new process writes from here on. */
  begin(): void {
    this.#wordsBefore = this.lastWords()
    this.#heard = ''
  }

  /** Standard error of the process, kept for `lastWords`. */
  heard(chunk: Buffer): void {
    this.#heard = (this.#heard + chunk.toString('utf8')).slice(-heardCharactersMax)
  }

  /** The last sentence that the process (before it said one: its predecessor) wrote on standard error; no lines of a stack. */
  lastWords(): string | undefined {
    const lines = this.#heard.split('\n').filter((line) => line.trim() !== '' && !noise.test(line))
    const last = lines.at(-1)
    return last === undefined ? this.#wordsBefore : oneLine(last)
  }

  /** One line of the supervisor's own about this instance, in the form of the services' logs. */
  note(level: 'info' | 'warn' | 'error', msg: string): void {
    this.write(
      Buffer.from(`${JSON.stringify({ time: new Date().toISOString(), level, service: 'supervisor', msg })}\n`),
    )
  }

  [Symbol.dispose](): void {
    this.#isEnded = true
    this.#close()
  }

  #close(): void {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) this.#disk.closeSync(file)
  }

  #append(chunk: Buffer): void {
    if (this.#file === undefined) return
    for (let done = 0; done < chunk.length; ) {
      const written = this.#disk.writeSync(this.#file, chunk, done)
      done += written
      this.#bytes += written
    }
  }

  #noteLost(): void {
    const msg = `${this.#lost} pieces of output are missing here: they could not be written`
    this.#append(Buffer.from(`${JSON.stringify({ level: 'warn', service: 'supervisor', msg })}\n`))
    this.#lost = 0
  }

  #rotate(): void {
    if (this.#bytes === 0) return
    this.#close()
    this.#bytes = 0
    this.#disk.renameSync(this.path, `${this.path}.1`)
    this.#open()
  }

  #open(): void {
    this.#disk.mkdirSync(dirname(this.path), { recursive: true })
    this.#file = this.#disk.openSync(this.path, 'a', 0o600)
    this.#bytes = this.#disk.fstatSync(this.#file).size
  }
}
