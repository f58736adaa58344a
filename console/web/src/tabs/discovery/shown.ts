/** Which instances are shown, and how each is. Pure. */
import type { DiscoveredInstance, DiscoveredService, DiscoveryCheck } from '../../../../protocol.ts'

const gravest = ['critical', 'maintenance', 'warning', 'passing'] as const

/** The worst of its checks; one without checks passes, as it does for callers. */
export const statusOf = ({ checks }: DiscoveredInstance): DiscoveryCheck['status'] =>
  gravest.find((status) => checks.some((check) => check.status === status)) ?? 'passing'

/** When it was heard of last, RFC 3339; undefined where nobody says. */
export const beatOf = ({ checks }: DiscoveredInstance): string | undefined =>
  checks
    .flatMap(({ beatAt }) => beatAt ?? [])
    .sort()
    .at(-1)

/**
 * Services with those of their instances that are looked for.
 * @param text a part of a service's or an instance's name, of an address, a port or a tag, in any case
 * @param badOnly leaves out those that pass
 */
export function shownOf(services: readonly DiscoveredService[], text: string, badOnly: boolean): DiscoveredService[] {
  const wanted = text.trim().toLowerCase()
  return services.flatMap(({ name, instances }) => {
    const kept = instances.filter((one) => {
      const parts = [name, one.id, one.node, one.address, ...Object.values(one.ports).map(String), ...one.tags]
      return (!badOnly || statusOf(one) !== 'passing') && parts.some((part) => part.toLowerCase().includes(wanted))
    })
    return kept.length === 0 ? [] : [{ name, instances: kept }]
  })
}
