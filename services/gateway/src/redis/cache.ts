/**
 * Kept answers of several gateways. Each gateway keeps its own as well and hears every event itself, so it has something
 * to give while Redis is away; what Redis adds is that a new gateway starts with what the others have, that one asks for
 * all, and that a change through one is known to all at once.
 *
 * In Redis an answer is a hash under a checksum of its key (which may hold a user), in the order `keepScript` writes, and
 * the counters of changes are one hash beside them. All belong to one life of the server: after a restart it may be back
 * at an older state, whose counters know nothing of later changes.
 */
import { hash } from 'node:crypto'
import type { KeptAnswer } from '../cache-rules.ts'
import {
  type CacheStore,
  counterOf,
  type Looked,
  type Marks,
  type MemoryCache,
  type Tag,
  usefulMs,
} from '../cache-store.ts'
import { gatewayLimits } from '../config.ts'
import type { RedisLink, Script } from './link.ts'

/** KEYS: the answer, the counters. ARGV: fields of the counters. Returns age in ms, head and body or nothing, then counts. */
export const lookScript: Script = {
  name: 'svyazLook',
  keys: 2,
  lua: `
    local kept = redis.call('HMGET', KEYS[1], 'at', 'head', 'body')
    local counts = redis.call('HMGET', KEYS[2], unpack(ARGV))
    local age = false
    if kept[1] and kept[2] and kept[3] then
      local time = redis.call('TIME')
      age = math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(kept[1]))
    end
    return { age, kept[2], kept[3], unpack(counts) }
  `,
}

/** KEYS: the answer. ARGV: head, body, for how many ms. */
export const keepScript: Script = {
  name: 'svyazKeep',
  keys: 1,
  lua: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('HSET', KEYS[1], 'at', string.format('%.0f', now), 'head', ARGV[1], 'body', ARGV[2])
    return redis.call('PEXPIRE', KEYS[1], ARGV[3])
  `,
}

/**
 * KEYS: the counters. ARGV: for how many ms they are kept, then those that grow by one. A new one begins at the time: if
 * the counters are thrown out (memory is full), none comes back to a count that an answer has been marked with.
 */
export const changedScript: Script = {
  name: 'svyazChanged',
  keys: 1,
  lua: `
    local time = redis.call('TIME')
    for at = 2, #ARGV do
      if redis.call('HINCRBY', KEYS[1], ARGV[at], 1) == 1 then
        redis.call('HSET', KEYS[1], ARGV[at], string.format('%.0f', time[1] * 1000 + time[2] / 1000))
      end
    end
    return redis.call('PEXPIRE', KEYS[1], ARGV[1])
  `,
}

/** An answer as JSON, without its body; `marks` are the counts of Redis when it was asked for. */
type Head = Omit<KeptAnswer, 'body'> & { readonly marks: readonly number[] }

export class SharedCache implements CacheStore {
  readonly #link: RedisLink
  readonly #own: MemoryCache
  #life = ''
  /** Counters of changes that Redis has not been told of. */
  readonly #untold = new Set<number>()

  constructor(link: RedisLink, own: MemoryCache) {
    this.#link = link
    this.#own = own
    link.onReturn(async (life) => {
      this.#life = life
      await this.#tellMissed()
    })
  }

  async look(key: string, tags: readonly Tag[]): Promise<Looked> {
    const own = this.#own.look(key, tags)
    const { period } = this.#link
    const answer = await this.#ask(key, tags)
    if (!Array.isArray(answer)) return { found: own.found, marks: [0, ...own.marks] }
    const [age, head, body, ...counts] = answer as [number | null, Buffer | null, Buffer | null, ...(Buffer | null)[]]
    const shared = counts.map((count) => Number(count ?? 0))
    const marks: Marks = [period, ...own.marks, ...shared]
    const kept = head === null || body === null ? undefined : answerOf(head, body)
    if (age === null || kept === undefined) return { found: own.found, marks }
    const changed = kept.marks.some((mark, at) => mark !== shared[at])
    return { found: { answer: kept.answer, ageMs: kept.answer.ageMsAtFirst + age, changed }, marks }
  }

  /** Undefined when this gateway goes by its own: Redis is away, or hasn't been told yet what this gateway has heard. */
  async #ask(key: string, tags: readonly Tag[]): Promise<unknown> {
    if (this.#link.period === 0) return undefined
    if (this.#untold.size === 0)
      return this.#link.run(lookScript, [...this.#places(key), ...tags.map(sharedCounterOf)], true)
    this.#tellMissed().catch(() => undefined)
    return undefined
  }

  async keep(key: string, tags: readonly Tag[], answer: KeptAnswer, marks: Marks): Promise<void> {
    const [period = 0, ...counts] = marks
    this.#own.keep(key, tags, answer, counts.slice(0, tags.length))
    // Asked for in another stretch, its counts say nothing: there may have been changes that nobody could count.
    if (period === 0 || period !== this.#link.period) return
    const { body, ...rest } = answer
    const head: Head = { ...rest, marks: counts.slice(tags.length) }
    const [place] = this.#places(key)
    await this.#link.run(keepScript, [place, JSON.stringify(head), body, Math.max(1, Math.ceil(usefulMs(answer)))])
  }

  async changed(tags: readonly Tag[]): Promise<void> {
    this.#own.changed(tags)
    const counters = tags.map(sharedCounterOf)
    const told =
      this.#link.period === 0
        ? undefined
        : await this.#link.run(changedScript, [this.#counters(), countersKeptMs, ...counters])
    if (told === undefined) for (const counter of counters) this.#untold.add(counter)
  }

  /** What changed meanwhile, before anybody looks. */
  async #tellMissed(): Promise<void> {
    while (this.#untold.size > 0) {
      const some = [...this.#untold].slice(0, countersAtOnce)
      // Before it is told: the same data may change again meanwhile.
      for (const counter of some) this.#untold.delete(counter)
      try {
        await this.#link.runOnReturn(changedScript, [this.#counters(), countersKeptMs, ...some])
      } catch (error) {
        for (const counter of some) this.#untold.add(counter)
        throw error
      }
    }
  }

  /** With a version of what is kept there. */
  #places(key: string): [answer: string, counters: string] {
    return [`svyaz:answer:1:{${this.#life}}:${hash('sha256', key, 'base64url')}`, this.#counters()]
  }

  /** In braces what keeps both in one slot of a cluster. */
  #counters(): string {
    return `svyaz:changes:1:{${this.#life}}`
  }
}

/** Longer than any answer may be of use: one day fresh and one day more for an error, the most that a route may say. */
const countersKeptMs = 3 * 24 * 60 * 60 * 1000
/** The same in every gateway. */
const sharedCounterOf = (tag: Tag): number => counterOf(tag, gatewayLimits.cache.countersMax)
/** Counters told in one script. */
const countersAtOnce = 500

/** Undefined when it isn't what this version of the gateway writes. */
const answerOf = (head: Buffer, body: Buffer): { answer: KeptAnswer; marks: readonly number[] } | undefined => {
  if (body.length > gatewayLimits.cache.answerBytesMax) return undefined
  try {
    const { marks, ...rest } = JSON.parse(head.toString()) as Head
    const wellFormed = Array.isArray(marks) && Array.isArray(rest.headers) && typeof rest.status === 'number'
    return wellFormed ? { answer: { ...rest, body }, marks } : undefined
  } catch {
    return undefined
  }
}
