/**
 * One limit of several gateways, exactly: each decision is one script, and Redis runs one script at a time. While it is
 * away each gateway counts alone, and knows already what it let through before.
 */
import {
  type LimitPolicy,
  type LimitStore,
  type LimitVerdict,
  type MemoryLimits,
  memoryLimitStore,
} from '../rate-limit.ts'
import type { RedisLink, Script } from './link.ts'

/**
 * `judgeRequest` of rate-limit.ts by the clock of the server: a list of times per key, oldest first. ARGV: the limit, the
 * window in ms, and, in tests alone, the time. Returns whether it passes, how many count, and in how many ms the decisive
 * one goes.
 *
 * A server whose clock steps back goes on from the newest time that it wrote; after a step of more than a window the log
 * is forgotten, since it would hold everybody off until the clock is there again.
 */
export const limitScript: Script = {
  name: 'svyazLimit',
  keys: 1,
  lua: `
    local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
    local time = redis.call('TIME')
    local now = tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000)
    local newest = tonumber(redis.call('LINDEX', KEYS[1], -1) or nil)
    if newest and (newest <= now - window or newest > now + window) then
      redis.call('DEL', KEYS[1])
    elseif newest then
      now = math.max(now, newest)
      while tonumber(redis.call('LINDEX', KEYS[1], 0)) <= now - window do
        redis.call('LPOP', KEYS[1])
      end
    end
    local count = redis.call('LLEN', KEYS[1])
    local allowed = count < limit
    local decisive = 0
    if allowed then
      count = redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
      redis.call('PEXPIRE', KEYS[1], window)
    else
      decisive = count - limit
    end
    local frees = tonumber(redis.call('LINDEX', KEYS[1], decisive)) + window - now
    return { allowed and 1 or 0, count, frees }
  `,
}

interface Refusal {
  /** Monotonic ms of this process. */
  readonly until: number
  readonly requests: number
}

export class RedisLimits implements LimitStore {
  readonly #link: RedisLink
  readonly #own: MemoryLimits
  readonly #now: () => number
  readonly #keysMax: number
  readonly #timeOfServer: (() => number) | undefined
  /** Who has been refused can't pass before the time that was named: a flood costs Redis nothing. */
  readonly #refused = new Map<string, Refusal>()

  /**
   * @param now monotonic ms
   * @param timeOfServer a test's clock, in ms, in place of the server's
   */
  constructor(link: RedisLink, keysMax: number, now: () => number, timeOfServer?: () => number) {
    this.#link = link
    this.#keysMax = keysMax
    this.#now = now
    this.#own = memoryLimitStore(keysMax)
    this.#timeOfServer = timeOfServer
  }

  take(policy: LimitPolicy, key: string, now: number): LimitVerdict | Promise<LimitVerdict> {
    const place = `svyaz:limit:${policy.name}:${policy.windowMs}:${key}`
    const refusal = this.#refused.get(place)
    if (refusal !== undefined && refusal.requests === policy.requests && now < refusal.until)
      return refusedFor(refusal.until - now)
    // Counted here too, for when Redis is away or has lost its memory. The time is no later than the server's, so this log
    // never refuses what Redis has room for otherwise.
    const own = this.#own.take(policy, key, now)
    return this.#ask(policy, key, place, own)
  }

  async #ask(policy: LimitPolicy, key: string, place: string, own: LimitVerdict): Promise<LimitVerdict> {
    const time = this.#timeOfServer === undefined ? [] : [this.#timeOfServer()]
    const answer = await this.#link.run(limitScript, [place, policy.requests, policy.windowMs, ...time])
    if (!Array.isArray(answer)) return own
    const [passes, count, freesMs] = answer as [number, number, number]
    if (passes === 0) {
      if (own.allowed) this.#own.giveBack(policy, key, this.#now())
      this.#remember(place, { until: this.#now() + freesMs, requests: policy.requests })
      return refusedFor(freesMs)
    }
    if (!own.allowed) return own
    return { allowed: true, remaining: Math.max(0, policy.requests - count), resetSeconds: wholeSeconds(freesMs) }
  }

  #remember(place: string, refusal: Refusal): void {
    this.#refused.delete(place)
    if (this.#refused.size >= this.#keysMax) this.#refused.delete(this.#refused.keys().next().value!)
    this.#refused.set(place, refusal)
  }
}

const refusedFor = (ms: number): LimitVerdict => ({ allowed: false, remaining: 0, resetSeconds: wholeSeconds(ms) })
const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))
