/** Time and ids of the real world; tests pass their own. */
import { randomFillSync } from 'node:crypto'
import type { Clock, Ids } from '../api.ts'
import { createMicros } from '../tracing/micros.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  micros: createMicros(
    () => Date.now(),
    () => performance.now(),
  ),
  iso: () => new Date().toISOString(),
  monotonic: () => performance.now(),
  delay,
}

/**
 * Resolves after so long; rejects with the signal's reason when that is aborted before. What naps is woken for each
 * order several times, and node:timers/promises makes an error with its stack for every one.
 */
function delay(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', stop)
    over.resolve()
  }, ms)
  const stop = () => {
    clearTimeout(timer)
    over.reject(signal?.reason)
  }
  signal?.addEventListener('abort', stop, { once: true })
  return over.promise
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

/** Random bytes are drawn many at a time: a call for each id costs more than the rest of it. */
const pool = new Uint8Array(4_096)
let used = pool.length
const randomBytes16 = (): Uint8Array => {
  if (used + 16 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += 16
  return pool.subarray(used - 16, used)
}

/** UUIDs of version 7 (RFC 9562), in order of the clock. */
export const systemIds = (clock: Clock): Ids => ({ uuid: () => uuidV7(clock.now(), randomBytes16()) })
