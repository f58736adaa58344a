/** Time and ids of the real world; tests pass their own. */
import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
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
/** UUIDs of version 7 (RFC 9562), in order of the clock. */
export const systemIds = (clock: Clock): Ids => ({ uuid: () => uuidV7(clock.now(), randomFillSync(seed)) })
