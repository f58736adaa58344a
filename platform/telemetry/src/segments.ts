/**
 * Spans on the disk, so that they survive a restart: files `spans-0000000001.ndjson`, one span a line. Best effort by
 * design: written without sync, lines that can't be read are skipped, and when the disk is slow or full spans stay in
 * memory only. The oldest file goes when there are too many. Spans say who did what, so only the owner may read them.
 */
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

const fileMode = 0o600

export type SegmentLimits = {
  readonly segmentBytesMax: number
  readonly segmentsMax: number
  /** Waiting for the disk; what comes above stays in memory only. */
  readonly pendingBytesMax: number
}

/**
 * Calls `each` with every value on the disk and its line, oldest first.
 * @param onFault hears why lines couldn't be written
 */
export async function openSegments(
  directory: string,
  limits: SegmentLimits,
  each: (value: unknown, line: string) => void,
  onFault: (error: unknown) => void,
): Promise<Segments> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await narrow(directory, 0o700)
  const names = (await readdir(directory)).filter((name) => /^spans-\d{10}\.ndjson$/.test(name)).sort()
  for (const name of names) {
    await narrow(join(directory, name), fileMode)
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      const value = parse(line)
      if (value !== undefined) each(value, line)
    }
  }
  return new Segments(directory, limits, names, onFault)
}

export class Segments implements AsyncDisposable {
  linesLost = 0
  readonly #directory: string
  readonly #limits: SegmentLimits
  readonly #names: string[]
  readonly #onFault: (error: unknown) => void
  #number: number
  #file: FileHandle | undefined
  #fileBytes = 0
  #pendingBytes = 0
  #last: Promise<void> = Promise.resolve()

  constructor(directory: string, limits: SegmentLimits, names: readonly string[], onFault: (error: unknown) => void) {
    this.#directory = directory
    this.#limits = limits
    this.#names = [...names]
    this.#onFault = onFault
    this.#number = Number(/\d+/.exec(names.at(-1) ?? '')?.[0] ?? 0)
  }

  /** Returns at once. */
  append(lines: readonly string[]): void {
    if (lines.length === 0) return
    const bytes = Buffer.from(`${lines.join('\n')}\n`)
    if (this.#pendingBytes + bytes.length > this.#limits.pendingBytesMax) {
      this.linesLost += lines.length
      return
    }
    this.#pendingBytes += bytes.length
    this.#last = this.#last
      .then(() => this.#write(bytes))
      .catch((error) => {
        this.linesLost += lines.length
        this.#onFault(error)
      })
      .finally(() => {
        this.#pendingBytes -= bytes.length
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#file?.close()
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#file === undefined || this.#fileBytes >= this.#limits.segmentBytesMax) await this.#nextFile()
    await this.#file?.appendFile(bytes)
    this.#fileBytes += bytes.length
  }

  /** After a start always a new one: the old one may end in half a line. */
  async #nextFile(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#number += 1
    const name = `spans-${String(this.#number).padStart(10, '0')}.ndjson`
    this.#file = await open(join(this.#directory, name), 'a', fileMode)
    this.#fileBytes = 0
    this.#names.push(name)
    while (this.#names.length > this.#limits.segmentsMax)
      await rm(join(this.#directory, this.#names.shift() ?? ''), { force: true })
  }
}

/** What belongs to somebody else was shared on purpose, and we couldn't change it anyway. */
async function narrow(path: string, mode: number): Promise<void> {
  await chmod(path, mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error
  })
}

function parse(line: string): unknown {
  if (line === '') return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
