/** A discovery client that knows a fixed set of instances: the balancing is the real one, the network is left out. */
import type { DiscoveryClient, Instance } from '../src/api.ts'
import { afterAnswer, afterPick, type BalancerPolicy, chooseInstance, idleLoad } from '../src/calls/balancer.ts'
import { callPolicy } from '../src/calls/resilience.ts'

export const knownInstances = (
  instances: Instance[],
  policy: BalancerPolicy = callPolicy.balancer,
): DiscoveryClient & { instances(): Instance[] } => {
  const loads = new Map(instances.map((instance) => [instance.id, idleLoad]))
  return {
    instances: () => instances,
    watch: async () => undefined,
    pick() {
      const chosen = chooseInstance(
        instances.map(({ id }) => loads.get(id) ?? idleLoad),
        performance.now(),
        Math.random,
      )
      const instance = instances[chosen]
      if (instance === undefined) return undefined
      loads.set(instance.id, afterPick(loads.get(instance.id) ?? idleLoad))
      return {
        instance,
        done: (outcome) =>
          void loads.set(
            instance.id,
            afterAnswer(loads.get(instance.id) ?? idleLoad, outcome, performance.now(), policy),
          ),
      }
    },
  }
}

export const instanceAt = (id: string, ports: Record<string, number>): Instance => ({ id, host: '127.0.0.1', ports })
