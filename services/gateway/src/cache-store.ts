/**
 * Where answers are kept. One that depends on data is marked with the count of that data's changes; a change adds one,
 * and whoever finds another count than the answer was marked with knows that the service has a newer one: also when the
 * change came while the answer was on its way.
 */
import type { Found, KeptAnswer } from './cache-rules.ts'

/** Counts of changes, as they were when an answer was asked for. Opaque to the caller. */
export type Marks = readonly number[]

/** A place of data, such as `/products` (the list) or `/products/P-1001`. */
export type Tag = string

export interface Looked {
  found: Found | undefined
  /** For `keep`, should the service be asked. */
  marks: Marks
}

/** In this process, or in Redis for several gateways (redis/cache.ts). */
export interface CacheStore {
  look(key: string, tags: readonly Tag[]): Looked | Promise<Looked>
  /** Keeps an answer that was asked for at `marks`, as long as it can be of use. */
  keep(key: string, tags: readonly Tag[], answer: KeptAnswer, marks: Marks): void | Promise<void>
  /** The data at these places is another from now on. */
  changed(tags: readonly Tag[]): void | Promise<void>
}

interface Entry {
  answer: KeptAnswer
  marks: Marks
  /** Monotonic ms, by the clock of this process. */
  keptAt: number
  bytes: number
}

export interface CacheBounds {
  bytesMax: number
  /** Counters of changes; two places may share one, which costs an answer more to ask for and nothing else. */
  countersMax: number
}

/** What an entry costs beside its body. */
const overheadBytes = 500

/** Kept in this process: at most `bytesMax` together, the least recently used goes first. */
export class MemoryCache implements CacheStore {
  readonly #bounds: CacheBounds
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #changes: Float64Array
  #bytes = 0

  /** @param now monotonic ms */
  constructor(bounds: CacheBounds, now: () => number) {
    this.#bounds = bounds
    this.#now = now
    this.#changes = new Float64Array(bounds.countersMax)
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  look(key: string, tags: readonly Tag[]): Looked {
    const marks = tags.map((tag) => this.#changes[counterOf(tag, this.#bounds.countersMax)]!)
    const entry = this.#entries.get(key)
    if (entry === undefined) return { found: undefined, marks }
    const { answer } = entry
    const ageMs = answer.ageMsAtFirst + this.#now() - entry.keptAt
    if (ageMs >= usefulMs(answer)) {
      this.#forget(key, entry)
      return { found: undefined, marks }
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return { found: { answer, ageMs, changed: entry.marks.some((mark, at) => mark !== marks[at]) }, marks }
  }

  keep(key: string, _tags: readonly Tag[], answer: KeptAnswer, marks: Marks): void {
    const before = this.#entries.get(key)
    if (before !== undefined) this.#forget(key, before)
    const bytes = overheadBytes + 2 * key.length + answer.body.length + 2 * answer.headers.join('').length
    if (bytes > this.#bounds.bytesMax) return
    this.#entries.set(key, { answer, marks, keptAt: this.#now(), bytes })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#bounds.bytesMax) return
      this.#forget(oldest, entry)
    }
  }

  changed(tags: readonly Tag[]): void {
    for (const tag of tags) this.#changes[counterOf(tag, this.#bounds.countersMax)]!++
  }

  #forget(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}

/** Which of `countersMax` counters counts the changes of a place: FNV-1a. */
export const counterOf = (tag: Tag, countersMax: number): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < tag.length; at++) hash = Math.imul(hash ^ tag.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % countersMax
}

/** How old an answer may get before nobody may have it; with a tag that its service knows it is good for a question. */
export const usefulMs = ({ freshMs, staleMs, revalidates }: KeptAnswer): number =>
  Math.max(freshMs + staleMs, revalidates ? freshMs + revalidatedMsMax : 0)

/** How long a stale answer waits for a 304. */
const revalidatedMsMax = 10 * 60_000

/** Where the data of a path is counted: a place below a prefix by its next segment, the prefix itself for lists. */
export const tagsAt = (prefix: string, path: string): readonly Tag[] => {
  if (path.length <= prefix.length + 1) return [prefix]
  const end = path.indexOf('/', prefix.length + 1)
  return [end === -1 ? path : path.slice(0, end)]
}
