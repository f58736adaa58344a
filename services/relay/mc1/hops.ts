/** How long each hop took, for the latest messages of a running session. */
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import { parseMicros } from '../message.ts'

export const hopNames = ['mc1ToMc2', 'mc2ToMc3', 'mc3ToMc1', 'total'] as const
export type Hops = NonNullable<RelaySession['hops']>

/** The µs of the four hops of a message that is back, or undefined when a stamp is missing. */
export const hopsOf = (message: RelayMessage): number[] | undefined => {
  const stamps = [message.MC1_timestamp, message.MC2_timestamp, message.MC3_timestamp, message.end_timestamp]
  if (stamps.some((stamp) => stamp === null)) return undefined
  const [mc1 = 0, mc2 = 0, mc3 = 0, end = 0] = stamps.map((stamp) => parseMicros(stamp ?? ''))
  return [mc2 - mc1, mc3 - mc2, end - mc3, end - mc1]
}

/** Of sorted values, the one below which the share lies (nearest rank). */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0

export const createHopRing = (kept: number) => {
  const rings = hopNames.map(() => new Float64Array(kept))
  let count = 0
  return {
    add(hops: readonly number[]): void {
      for (const [index, ring] of rings.entries()) ring[count % kept] = hops[index] ?? 0
      count += 1
    },
    read(): Hops | null {
      if (count === 0) return null
      const entries = rings.map((ring, index) => {
        const sorted = ring.slice(0, Math.min(count, kept)).sort()
        return [hopNames[index], { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) }]
      })
      return Object.fromEntries(entries) as Hops
    },
  }
}
export type HopRing = ReturnType<typeof createHopRing>
