/**
 * Limits on requests: a sliding window over two counters per key (the window's own and the one before it, weighed by
 * what of it still lies inside). Exact at the edge where a fixed window would let twice the limit through. Decision 0030.
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
  /** Seconds until the next request passes, or until the whole quota is back. */
  resetSeconds: number
}

/** The memory side counts per process; a shared side (Redis) makes one limit of several gateways. */
export interface LimitStore {
  /** Counts one request of `key` at `now` (wall ms). A refused request is not counted. */
  take(policy: LimitPolicy, key: string, now: number): LimitVerdict | Promise<LimitVerdict>
}

/** Pure: the verdict on one more request, with `before` in the last window, `current` in this one, `elapsedMs` into it. */
export const judgeRequest = (policy: LimitPolicy, before: number, current: number, elapsedMs: number): LimitVerdict => {
  const { requests, windowMs } = policy
  const weighed = before * (1 - elapsedMs / windowMs) + current
  const allowed = weighed + 1 <= requests
  const used = allowed ? weighed + 1 : weighed
  const remaining = Math.max(0, Math.floor(requests - used))
  return { allowed, remaining, resetSeconds: allowed ? Math.ceil((windowMs - elapsedMs) / 1000) : waitSeconds() }

  /** Until the weight of the last window, or then of this one, has fallen far enough. */
  function waitSeconds(): number {
    const untilWindowEnds = windowMs - elapsedMs
    const surplus = weighed + 1 - requests
    const inThisWindow = before > 0 ? (surplus * windowMs) / before : Number.POSITIVE_INFINITY
    if (inThisWindow <= untilWindowEnds) return Math.max(1, Math.ceil(inThisWindow / 1000))
    const inTheNext = Math.max(0, ((current + 1 - requests) * windowMs) / Math.max(1, current))
    return Math.max(1, Math.ceil((untilWindowEnds + inTheNext) / 1000))
  }
}

interface Windows {
  index: number
  current: Map<string, number>
  before: Map<string, number>
}

/** `keysMax` bounds each window of each policy: beyond it the oldest key starts afresh. */
export const memoryLimitStore = (keysMax: number): LimitStore & { take(...args: never[]): LimitVerdict } => {
  const byPolicy = new Map<string, Windows>()
  const windowsAt = (policy: LimitPolicy, index: number): Windows => {
    const name = `${policy.name} ${policy.windowMs}`
    const windows = byPolicy.get(name) ?? { index, current: new Map(), before: new Map() }
    byPolicy.set(name, windows)
    if (index > windows.index) {
      windows.before = index === windows.index + 1 ? windows.current : new Map()
      windows.current = new Map()
      windows.index = index
    }
    return windows
  }
  return {
    take(policy: LimitPolicy, key: string, now: number): LimitVerdict {
      const { windowMs } = policy
      const windows = windowsAt(policy, Math.floor(now / windowMs))
      // A clock that steps back stays in the newest window.
      const elapsedMs = Math.max(0, now - windows.index * windowMs)
      const current = windows.current.get(key) ?? 0
      const verdict = judgeRequest(policy, windows.before.get(key) ?? 0, current, elapsedMs)
      if (!verdict.allowed) return verdict
      if (current === 0 && windows.current.size >= keysMax) {
        const oldest = windows.current.keys().next()
        if (oldest.done !== true) windows.current.delete(oldest.value)
      }
      windows.current.set(key, current + 1)
      return verdict
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
