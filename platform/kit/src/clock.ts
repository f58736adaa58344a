/** Time and ids of the real world; tests pass their own. */
import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Ids } from './api.ts'

/** How far the wall clock may be from what was expected before it counts as set. */
const clockSetMs = 2

/**
 * Wall time in whole µs: the monotonic clock, set by the moment at which the millisecond clock ticks (`performance`'s
 * own origin may be off by more than a hop takes). Follows the wall clock when that is set forward; when it is set
 * back, stands until it is there again or goes on by 1 µs at a time.
 */
const createMicros = (wallMs: () => number, monotonicMs: () => number): (() => number) => {
  const atTick = () => {
    const before = wallMs()
    for (;;) {
      const now = wallMs()
      if (now !== before) return now * 1_000 - monotonicMs() * 1_000
    }
  }
  let origin: number | undefined
  let last = 0
  return () => {
    // An interruption between the tick and its reading makes an origin too early, never too late.
    origin ??= Math.max(atTick(), atTick())
    let now = Math.floor(origin + monotonicMs() * 1_000)
    const wall = wallMs()
    if (Math.abs(now / 1_000 - wall) > clockSetMs) {
      origin = wall * 1_000 - monotonicMs() * 1_000
      now = wall * 1_000
    }
    last = Math.max(now, last + 1)
    return last
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  micros: createMicros(
    () => Date.now(),
    () => performance.now(),
  ),
  iso: () => new Date().toISOString(),
  monotonic: () => performance.now(),
  delay: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {})
  },
}

/**
 * UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits with the version and the
 * variant in their places.
 */
export const uuidV7 = (nowMs: number, random: Uint8Array): string => {
  const bytes = Buffer.from(random.subarray(0, 16))
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const seed = new Uint8Array(16)
export const systemIds = (clock: Clock): Ids => ({ uuid: () => uuidV7(clock.now(), randomFillSync(seed)) })
