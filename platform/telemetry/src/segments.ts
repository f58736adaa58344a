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

export type Segments = AsyncDisposable & {
  /** Returns at once. */
  append(lines: readonly string[]): void
  readonly linesLost: number
}

/** Calls `each` with every value on the disk, oldest first. */
export async function openSegments(
  directory: string,
  limits: SegmentLimits,
  each: (value: unknown) => void,
  onFault: (error: unknown) => void,
): Promise<Segments> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await narrow(directory, 0o700)
  const names = (await readdir(directory)).filter((name) => /^spans-\d{10}\.ndjson$/.test(name)).sort()
  for (const name of names) {
    await narrow(join(directory, name), fileMode)
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      const value = parse(line)
      if (value !== undefined) each(value)
    }
  }

  let number = Number(/\d+/.exec(names.at(-1) ?? '')?.[0] ?? 0)
  let file: FileHandle | undefined
  let fileBytes = 0
  let pendingBytes = 0
  let linesLost = 0
  let last: Promise<void> = Promise.resolve()

  async function write(text: string): Promise<void> {
    if (file === undefined || fileBytes >= limits.segmentBytesMax) {
      // Always a new file after a start: the old one may end in half a line.
      await file?.close()
      file = undefined
      number += 1
      const name = `spans-${String(number).padStart(10, '0')}.ndjson`
      file = await open(join(directory, name), 'a', fileMode)
      fileBytes = 0
      names.push(name)
      while (names.length > limits.segmentsMax) await rm(join(directory, names.shift() ?? ''), { force: true })
    }
    await file.appendFile(text)
    fileBytes += Buffer.byteLength(text)
  }

  return {
    append(lines) {
      if (lines.length === 0) return
      const text = `${lines.join('\n')}\n`
      if (pendingBytes + text.length > limits.pendingBytesMax) {
        linesLost += lines.length
        return
      }
      pendingBytes += text.length
      last = last
        .then(() => write(text))
        .catch((error) => {
          linesLost += lines.length
          onFault(error)
        })
        .finally(() => {
          pendingBytes -= text.length
        })
    },
    get linesLost() {
      return linesLost
    },
    async [Symbol.asyncDispose]() {
      await last
      await file?.close()
    },
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
