/**
 * Where services run, over the Consul HTTP API: registers this instance with a TTL check, watches others by blocking
 * queries, and keeps the last good answer in memory and on disk, so that discovery may die (reliability rule 12).
 * How one of them is followed is in watched-service.ts, what is believed in known-instances.ts, whom in
 * trusted-instances.ts, who gets a call in balancer.ts.
 */
import type { DiscoveryClient, Whose } from '../api.ts'
import type { Core } from '../core.ts'
import type { KeySet } from '../identity/key-set.ts'
import type { OwnKey } from '../identity/own-key.ts'
import { createConsulHttp } from './consul-http.ts'
import { createOwnRegistration } from './own-registration.ts'
import { createInstanceTrust } from './trusted-instances.ts'
import { createDiscoveryMetrics, discoveryLimits, WatchedService, type WatchParts } from './watched-service.ts'

export interface RunningDiscoveryClient extends DiscoveryClient, AsyncDisposable {
  /**
   * Says under which ports this instance is reached, and keeps saying so until `deregister`. Resolves after the first
   * try: when discovery is away the service goes on, and is registered once it answers.
   */
  register(ports: Record<string, number>): Promise<void>
  deregister(): Promise<void>
}

/**
 * Registers this instance and knows the others: by blocking queries, with what was known last when discovery is
 * away. `key` signs this instance's registration, `keySet` verifies those of others.
 */
export const createDiscoveryClient = (core: Core, parts: { key: OwnKey; keySet: KeySet }): RunningDiscoveryClient => {
  const { environment, clock } = core
  const consul = createConsulHttp(environment.discoveryUrl, environment.discoveryToken)
  const ending = new AbortController()
  const trust = createInstanceTrust(core, parts.keySet)
  const watched = new Map<string, WatchedService>()
  const loops = new Set<Promise<void>>()
  const backOff = (failures: number, signal: AbortSignal) => {
    const delayMs = Math.min(discoveryLimits.retryBaseMs * 2 ** (failures - 1), discoveryLimits.retryMsMax)
    return clock.delay((0.5 + core.random() / 2) * delayMs, signal).catch(() => undefined)
  }
  const shared: WatchParts = { core, consul, backOff, metrics: createDiscoveryMetrics(core) }

  const watch = (service: string, whose: Whose = {}): WatchedService => {
    // A colon is in no name of a service: what a foreign one registers never mixes with what was verified.
    const kept = whose.unsigned === true ? `unsigned:${service}` : service
    const existing = watched.get(kept)
    if (existing !== undefined) return existing
    if (watched.size >= discoveryLimits.servicesWatchedMax) throw new Error('too many services are watched')
    const entry = new WatchedService(shared, { service, kept }, async (found) =>
      whose.unsigned === true ? found : trust.trusted(service, found),
    )
    watched.set(kept, entry)
    const loop: Promise<void> = entry.follow(ending.signal).finally(() => loops.delete(loop))
    loops.add(loop)
    return entry
  }

  const own = createOwnRegistration(core, { consul, key: parts.key, backOff })
  return {
    instances: (service, whose) => watch(service, whose).instances(),
    pick: (service, whose) => watch(service, whose).pick(),
    watch: (service, whose) => watch(service, whose).ready,
    register: (ports) => own.register(ports),
    deregister: () => own.deregister(),
    async [Symbol.asyncDispose]() {
      await own.deregister()
      ending.abort()
      await Promise.all(loops)
      consul.close()
    },
  }
}
