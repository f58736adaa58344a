/** How long each hop took, for the latest messages of a session. */
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'
import type { RelayNow, RelaySession } from '@svyaz/contracts/http/relay.ts'
import { parseMicros } from '../message.ts'

export const hopNames = ['mc1ToMc2', 'mc2ToMc3', 'mc3ToMc1', 'total'] as const
export type Hops = NonNullable<RelaySession['hops']>

/** What MC1 itself sees besides the stamps: from the last of them to the commit. */
const liveHopNames = [...hopNames, 'commit'] as const
type LiveHops = NonNullable<RelayNow['hops']>
type Latest = RelayNow['latest'][number]

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

/**
 * The latest times of each hop.
 * @param kept how many
 */
export const createHopRing = (kept: number) => {
  const rings = liveHopNames.map(() => new Float64Array(kept))
  const ids = new Float64Array(kept)
  let count = 0

  const spread = (): LiveHops | null => {
    if (count === 0) return null
    const entries = rings.map((ring, index) => {
      const sorted = ring.slice(0, Math.min(count, kept)).sort()
      const last = ring[(count - 1) % kept] ?? 0
      return [liveHopNames[index], { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), last }]
    })
    return Object.fromEntries(entries) as LiveHops
  }

  return {
    /** @param hops the four of {@link hopsOf}, in µs; @param commit µs from the end stamp to the commit */
    add(id: number, hops: readonly number[], commit: number): void {
      const place = count % kept
      for (const [index, ring] of rings.entries()) ring[place] = hops[index] ?? commit
      ids[place] = id
      count += 1
    },
    /** Of a running session. */
    read(): Hops | null {
      const all = spread()
      return (
        all && (Object.fromEntries(hopNames.map((name) => [name, { p50: all[name].p50, p99: all[name].p99 }])) as Hops)
      )
    },
    spread,
    /** Newest first. */
    latest(most: number): Latest[] {
      return Array.from({ length: Math.min(most, count, kept) }, (_, back) => {
        const place = (count - 1 - back) % kept
        const hops = liveHopNames.map((name, index) => [name, rings[index]?.[place] ?? 0])
        return { id: ids[place] ?? 0, ...Object.fromEntries(hops) } as Latest
      })
    },
  }
}
export type HopRing = ReturnType<typeof createHopRing>
