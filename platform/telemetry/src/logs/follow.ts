/** New lines of the log files, as they are written. Files are watched only while somebody follows. */
import {
  closeSync,
  constants,
  type FSWatcher,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
  watch,
} from 'node:fs'
import { basename, join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { filesMax } from './directory.ts'
import { lineBytesMax } from './log-file.ts'
import { type LogFilter, type LogMatcher, logMatcher } from './log-filter.ts'
import { type LogLine, readLogLine } from './log-line.ts'

/** What a file may grow between two looks and still be read whole; of more only the end is. */
const catchUpBytesMax = 4 * 1024 * 1024
/** Of lines that wait for one follower, in characters as they were written. */
const waitingCharsMax = 2 * 1024 * 1024

type Tail = { at: number; inode: number; decoder: StringDecoder; rest: string; lastMs: number }
type Follower = {
  readonly matcher: LogMatcher
  readonly linesMax: number
  lines: LogLine[]
  chars: number
  dropped: number
}

export class LogFollower {
  readonly #directory: string | undefined
  readonly #followers = new Set<Follower>()
  readonly #tails = new Map<string, Tail>()
  #watcher: FSWatcher | undefined

  constructor(directory: string | undefined) {
    this.#directory = directory
  }

  /** Lines from now on. `take` gives those since it was called last, undefined when there are none. */
  follow(filter: LogFilter, linesMax: number) {
    const follower: Follower = { matcher: logMatcher(filter), linesMax, lines: [], chars: 0, dropped: 0 }
    this.#followers.add(follower)
    this.#begin()
    return {
      take: (): { lines: LogLine[]; dropped: number } | undefined => {
        const { lines, dropped } = follower
        if (lines.length === 0 && dropped === 0) return undefined
        follower.lines = []
        follower.chars = 0
        follower.dropped = 0
        return { lines, dropped }
      },
      stop: () => {
        this.#followers.delete(follower)
        if (this.#followers.size === 0) this.end()
      },
    }
  }

  /** Lines that came otherwise. */
  hear(lines: readonly LogLine[]): void {
    if (this.#followers.size > 0) for (const line of lines) this.#offer(line, JSON.stringify(line))
  }

  end(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#tails.clear()
  }

  #begin(): void {
    const directory = this.#directory
    if (this.#watcher !== undefined || directory === undefined) return
    try {
      for (const name of readdirSync(directory).filter((one) => one.endsWith('.log'))) {
        const now = aboutFile(join(directory, name))
        if (now !== undefined) this.#newTail(join(directory, name), now, now.size)
      }
      this.#watcher = watch(directory, (_, name) => {
        if (name?.endsWith('.log')) this.#lookSafely(join(directory, name))
      })
      this.#watcher.on('error', () => this.end())
    } catch {
      // No such folder: nobody writes there.
    }
  }

  /** One that can't be read has no lines: an error here would be heard by nobody, and end the process. */
  #lookSafely(path: string): void {
    try {
      this.#look(path)
    } catch {
      // It is read from where it was left when it can be.
    }
  }

  #look(path: string): void {
    const now = aboutFile(path)
    if (now === undefined || (!this.#tails.has(path) && this.#tails.size >= filesMax)) return
    const tail = this.#tails.get(path) ?? this.#newTail(path, now)
    // Set aside by rotation, or cut: from the beginning of what is there now.
    if (now.ino !== tail.inode || now.size < tail.at) Object.assign(tail, { at: 0, inode: now.ino, rest: '' })
    if (now.size - tail.at > catchUpBytesMax) tail.at = now.size - catchUpBytesMax
    if (now.size > tail.at) this.#read(path, tail, now.size)
  }

  /** A file that wasn't there when we began is new, from its first byte. */
  #newTail(path: string, { ino }: { ino: number }, at = 0): Tail {
    const tail = { at, inode: ino, decoder: new StringDecoder('utf8'), rest: '', lastMs: Date.now() }
    this.#tails.set(path, tail)
    return tail
  }

  #read(path: string, tail: Tail, size: number): void {
    const bytes = Buffer.alloc(size - tail.at)
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const read = readSync(file, bytes, 0, bytes.length, tail.at)
      const from = tail.at
      tail.at += read
      const lines = (tail.rest + tail.decoder.write(bytes.subarray(0, read))).split('\n')
      tail.rest = lines.pop() ?? ''
      if (tail.rest.length > lineBytesMax) tail.rest = ''
      const name = basename(path, '.log')
      lines.forEach((raw, n) => {
        if (raw !== '') this.#give(raw, name, `${name}.log+${from}.${n}`, tail)
      })
    } finally {
      closeSync(file)
    }
  }

  #give(raw: string, instance: string, id: string, tail: Tail): void {
    const { atMs, ...rest } = readLogLine(raw, instance)
    tail.lastMs = atMs ?? tail.lastMs
    this.#offer({ ...rest, id, atMs: tail.lastMs }, raw)
  }

  #offer(line: LogLine, raw: string): void {
    for (const follower of this.#followers) {
      if (!follower.matcher.mayMatch(raw) || !follower.matcher.matches(line)) continue
      const hasRoom = follower.lines.length < follower.linesMax && follower.chars < waitingCharsMax
      if (hasRoom) {
        follower.lines.push(line)
        follower.chars += raw.length
      } else follower.dropped += 1
    }
  }
}

/** @returns undefined for what isn't there or can't be looked at, and for folders, pipes and the like */
function aboutFile(path: string): Stats | undefined {
  try {
    const about = statSync(path, { throwIfNoEntry: false })
    return about?.isFile() ? about : undefined
  } catch {
    return undefined
  }
}
