/**
 * Limits on requests: a sliding log per key, so that no window of the policy's length, wherever it begins, holds more
 * than the limit, and who keeps just within it is never refused. A fixed window lets twice the limit through around its
 * edge, a pair of weighed counters nearly so after a late burst. Decision 0030.
 */

export interface LimitPolicy {
  /** How it is called in the headers. */
  name: string
  requests: number
  windowMs: number
}

export interface LimitVerdict {
  allowed: boolean
  remaining: number
  /** Seconds until more of the quota is back; after a refusal, until the next request passes. */
  resetSeconds: number
}

/** In this process, or in Redis, where it is one limit of several gateways (redis/limits.ts). */
export interface LimitStore {
  /** Counts one request of `key` at `now` (monotonic ms; a shared store goes by its own clock). A refused request is not counted. */
  take(policy: LimitPolicy, key: string, now: number): LimitVerdict | Promise<LimitVerdict>
}

/** Times of the requests that still count, oldest first, in a ring that grows up to the limit. */
export interface RequestLog {
  times: Float64Array
  first: number
  count: number
}

const logCapacityFirst = 8
/** A log without requests. */
export const emptyLog = (): RequestLog => ({ times: new Float64Array(logCapacityFirst), first: 0, count: 0 })

/** Judges one more request and, when it passes, writes it into `log`. No clock of its own. */
export const judgeRequest = (policy: LimitPolicy, log: RequestLog, now: number): LimitVerdict => {
  const { requests, windowMs } = policy
  // The limit may have been lowered since: then the log holds more than fits, and shrinks with time alone.
  while (log.count > 0 && log.times[log.first]! <= now - windowMs) {
    log.first = (log.first + 1) % log.times.length
    log.count--
  }
  const allowed = log.count < requests
  if (allowed) {
    if (log.count === log.times.length) grow(log, requests)
    log.times[(log.first + log.count) % log.times.length] = now
    log.count++
  }
  // Refused: passes once no more than `requests - 1` are left; with an unchanged limit that is when the oldest goes.
  const decisive = allowed ? 0 : log.count - requests
  const freesAt = log.times[(log.first + decisive) % log.times.length]! + windowMs
  return {
    allowed,
    remaining: Math.max(0, requests - log.count),
    resetSeconds: Math.max(1, Math.ceil((freesAt - now) / 1000)),
  }
}

/** Takes the newest request out of `log` again: one that was refused elsewhere. */
const takeBack = (log: RequestLog): void => {
  if (log.count > 0) log.count--
}

const grow = (log: RequestLog, requests: number): void => {
  const times = new Float64Array(Math.max(log.count + 1, Math.min(log.times.length * 2, requests)))
  for (let at = 0; at < log.count; at++) times[at] = log.times[(log.first + at) % log.times.length]!
  log.times = times
  log.first = 0
}

interface Generations {
  index: number
  current: Map<string, RequestLog>
  before: Map<string, RequestLog>
}

export interface MemoryLimits extends LimitStore {
  take(policy: LimitPolicy, key: string, now: number): LimitVerdict
  /** A request that `take` let pass has been refused elsewhere: it isn't counted. */
  giveBack(policy: LimitPolicy, key: string, now: number): void
}

/**
 * Keys that were silent for a whole window are forgotten with their generation. `keysMax` bounds each policy: beyond it
 * the key seen first starts afresh.
 */
export const memoryLimitStore = (keysMax: number): MemoryLimits => {
  const byPolicy = new Map<string, Generations>()
  const generationsAt = (policy: LimitPolicy, now: number): Generations => {
    const name = `${policy.name} ${policy.windowMs}`
    const index = Math.floor(now / policy.windowMs)
    let known = byPolicy.get(name)
    if (known === undefined) {
      known = { index, current: new Map(), before: new Map() }
      byPolicy.set(name, known)
    } else if (index > known.index) {
      known.before = index === known.index + 1 ? known.current : new Map()
      known.current = new Map()
      known.index = index
    }
    return known
  }
  return {
    take(policy, key, now) {
      const { current, before } = generationsAt(policy, now)
      let log = current.get(key)
      if (log === undefined) {
        log = before.get(key) ?? emptyLog()
        before.delete(key)
        if (current.size >= keysMax) current.delete(current.keys().next().value!)
        current.set(key, log)
      }
      return judgeRequest(policy, log, now)
    },
    giveBack(policy, key, now) {
      const { current, before } = generationsAt(policy, now)
      const log = current.get(key) ?? before.get(key)
      if (log !== undefined) takeBack(log)
    },
  }
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), as a flat list. */
export const limitHeaders = (policy: LimitPolicy, verdict: LimitVerdict): string[] => [
  'ratelimit-policy',
  `"${policy.name}";q=${policy.requests};w=${Math.ceil(policy.windowMs / 1000)}`,
  'ratelimit',
  `"${policy.name}";r=${verdict.remaining};t=${verdict.resetSeconds}`,
]
