/**
 * Log lines of all processes, newest first, out of what holds them: files, and what came over OTLP. They are merged by
 * their time; within one source they are taken to be in its order.
 */
import type { LogMatcher } from './log-filter.ts'
import type { LogLine } from './log-line.ts'

/** Lines from the newest to the oldest, in groups; undefined at the end. */
export type LogSource = AsyncDisposable & {
  readonly bytesRead: number
  /** What of it couldn't be read, and why. */
  readonly fault?: string | undefined
  next(): Promise<readonly { readonly raw: string; readonly line: LogLine }[] | undefined>
}

export type LogSearch = {
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
  /** Goes on behind it: with lines at this time or before, of those at this time without the first `skip`. */
  readonly cursor?: { readonly atMs: number; readonly skip: number }
  /** Looked at for one answer; a search that needs more ends with a cursor. */
  readonly bytesMax?: number
}

export type LogsFound = {
  readonly lines: readonly LogLine[]
  readonly next: string | null
  /** Sources that couldn't be read, and why; absent when all could. */
  readonly unreadable?: readonly string[]
}

const bytesMaxDefault = 48 * 1024 * 1024
/** Lines of one source may be this much out of order: a clock that was set, two writers of one file. */
export const disorderMs = 5_000

/** Searches all sources, newest lines first, until there are enough or the search has read as much as it may. */
export async function searchLogs(
  sources: readonly LogSource[],
  matcher: LogMatcher,
  search: LogSearch,
): Promise<LogsFound> {
  const lines: LogLine[] = []
  const { next, unreadable } = await visitLogs(sources, matcher, search, (line) => lines.push(line))
  return { lines, next, ...(unreadable.length > 0 ? { unreadable } : {}) }
}

/** The same without keeping the lines. */
export async function visitLogs(
  sources: readonly LogSource[],
  matcher: LogMatcher,
  search: LogSearch,
  visit: (line: LogLine) => void,
): Promise<{ readonly next: string | null; readonly unreadable: readonly string[] }> {
  const heads = sources.map((source) => new Head(source, matcher, search))
  try {
    const next = await merge(heads, sources, search, visit)
    return { next, unreadable: sources.flatMap(({ fault }) => fault ?? []) }
  } finally {
    await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()))
  }
}

/** @returns the cursor behind the last line that was visited; null at the end */
async function merge(
  heads: readonly Head[],
  sources: readonly LogSource[],
  { cursor, limit, bytesMax = bytesMaxDefault }: LogSearch,
  visit: (line: LogLine) => void,
): Promise<string | null> {
  const place = new Place(cursor)
  let skip = cursor?.skip ?? 0
  for (let count = 0; ; ) {
    await Promise.all(heads.map((head) => head.fill()))
    const newest = heads.reduce<Head | undefined>((best, head) => (head.isNewerThan(best) ? head : best), undefined)
    if (newest === undefined) return null
    const line = newest.take()
    if (line === undefined) {
      // An answer has to bring its reader further, whatever it takes: the next one would begin here again.
      const isFurther = count > 0 || cursor === undefined || newest.atMs < cursor.atMs
      const read = sources.reduce((sum, { bytesRead }) => sum + bytesRead, 0)
      if (read > bytesMax && isFurther && Number.isFinite(newest.atMs)) return place.cursorAt(newest.atMs)
    } else if (cursor?.atMs === line.atMs && skip > 0) skip -= 1
    else if (count === limit) return place.cursor
    else {
      visit(line)
      place.pass(line.atMs)
      count += 1
    }
  }
}

/** How far a search has come. */
class Place {
  #atMs: number
  #same: number

  constructor(cursor: LogSearch['cursor']) {
    this.#atMs = cursor?.atMs ?? Number.POSITIVE_INFINITY
    this.#same = cursor?.skip ?? 0
  }

  pass(atMs: number): void {
    this.#same = atMs === this.#atMs ? this.#same + 1 : 1
    this.#atMs = atMs
  }

  get cursor(): string {
    return `${this.#atMs}.${this.#same}`
  }

  /** @param reachedMs no line that is still to come is newer */
  cursorAt(reachedMs: number): string {
    return reachedMs < this.#atMs ? `${Math.max(0, reachedMs)}.0` : this.cursor
  }
}

/** The next line of one source that matches, or how far it has looked. */
class Head {
  /** No line that is still to come is newer. */
  atMs = Number.POSITIVE_INFINITY
  readonly #source: LogSource
  readonly #matcher: LogMatcher
  readonly #fromMs: number
  readonly #toMs: number
  #waiting: LogLine[] = []
  #isOver = false

  constructor(source: LogSource, matcher: LogMatcher, { fromMs, toMs, cursor }: LogSearch) {
    this.#source = source
    this.#matcher = matcher
    this.#fromMs = fromMs
    this.#toMs = Math.min(toMs, cursor?.atMs ?? toMs)
  }

  /** Reads on when nothing is at hand. */
  async fill(): Promise<void> {
    if (this.#waiting.length > 0 || this.#isOver) return
    const group = await this.#source.next()
    if (group === undefined) {
      this.#isOver = true
      return
    }
    // The last few say how far it is: one alone may come from a clock that is off.
    const last = group.slice(-3).map(({ line }) => line.atMs)
    if (last.length > 0) this.atMs = Math.min(this.atMs, Math.max(...last))
    if (last.length > 0 && group.every(({ line }) => line.atMs < this.#fromMs - disorderMs)) {
      this.#isOver = true
      return
    }
    for (const { raw, line } of group) {
      if (line.atMs < this.#fromMs || line.atMs > this.#toMs) continue
      if (this.#matcher.mayMatch(raw) && this.#matcher.matches(line)) this.#waiting.push(line)
    }
    this.#waiting.reverse()
  }

  isNewerThan(other: Head | undefined): boolean {
    if (this.#isOver && this.#waiting.length === 0) return false
    return other === undefined || this.#headMs > other.#headMs
  }

  /** undefined: this source must be read on before anything can be said. */
  take(): LogLine | undefined {
    return this.#waiting.pop()
  }

  get #headMs(): number {
    return this.#waiting.at(-1)?.atMs ?? this.atMs
  }
}
