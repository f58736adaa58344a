/**
 * What an instance writes, in a file of bounded size. Writes are synchronous, so that the last words of a dying
 * process are on disk when its end is reported.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { oneLine } from './probe.ts'

/** The file is set aside as `<file>.1` before it would grow beyond this; one such predecessor is kept. */
export const logBytesMax = 8 * 1024 * 1024

/** Kept of what a process writes on standard error. */
const heardCharactersMax = 4_096
/** Lines of a stack, and what Node itself remarks. */
const noise = /^\s+at |^Node\.js v|^\(node:\d+\)|^\(Use `node /

export class Output implements Disposable {
  readonly path: string
  readonly #bytesMax: number
  /** Undefined after the end, and while a full disk refuses the next file. */
  #file: number | undefined
  #isEnded = false
  #bytes = 0
  /** Chunks that a full disk refused. */
  #lost = 0
  #heard = ''
  #wordsBefore: string | undefined

  constructor(path: string, bytesMax: number = logBytesMax) {
    this.path = path
    this.#bytesMax = bytesMax
    try {
      this.#open()
    } catch {
      // The disk is full: the first write tries again, and counts what is lost.
    }
  }

  /** Appends; a chunk that can't be written is counted and the count is noted once writing works again. */
  write(chunk: Buffer): void {
    if (this.#isEnded) return
    try {
      if (this.#file === undefined) this.#open()
      if (this.#bytes + chunk.length > this.#bytesMax) this.#rotate()
      if (this.#lost > 0) this.#noteLost()
      this.#append(chunk)
    } catch {
      // The disk is full. Logs are the first thing to do without; the process they tell about goes on.
      this.#lost += 1
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
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #append(chunk: Buffer): void {
    if (this.#file === undefined) return
    for (let done = 0; done < chunk.length; ) {
      const written = writeSync(this.#file, chunk, done)
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
    renameSync(this.path, `${this.path}.1`)
    this.#open()
  }

  #open(): void {
    mkdirSync(dirname(this.path), { recursive: true })
    this.#file = openSync(this.path, 'a', 0o600)
    this.#bytes = fstatSync(this.#file).size
  }
}
