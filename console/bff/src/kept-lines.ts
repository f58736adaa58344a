/**
 * Values in a file, one a line, so that a restart of the console doesn't forget them. Bounded: the file is written again
 * when it has grown to its limit. A disk that takes nothing keeps nobody from acting.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export class KeptLines<T> {
  readonly #file: string
  readonly #linesMax: number
  /** So that what comes first doesn't continue a line that a crash cut. */
  #lines = Number.POSITIVE_INFINITY

  constructor(file: string, linesMax: number) {
    this.#file = file
    this.#linesMax = linesMax
  }

  /** What the file has, oldest first; lines that a crash cut, and those that aren't such values, are left out. */
  read(isOne: (value: Partial<T>) => boolean): T[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch {
      return []
    }
    return text.split('\n').flatMap((line) => {
      try {
        const value = JSON.parse(line) as T
        return isOne(value) ? [value] : []
      } catch {
        return []
      }
    })
  }

  /** @param kept gives all that is to be kept, with the new one */
  add(value: T, kept: () => readonly T[]): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      if (this.#lines >= this.#linesMax) {
        const all = kept()
        writeFileSync(this.#file, all.map(lineOf).join(''), { mode: 0o600 })
        this.#lines = all.length
      } else {
        appendFileSync(this.#file, lineOf(value), { mode: 0o600 })
        this.#lines += 1
      }
    } catch {}
  }
}

const lineOf = (value: unknown): string => `${JSON.stringify(value)}\n`
