/** The balancer as a row of the topology: only with `svyaz up --balancer`, because it needs a program that isn't ours. */
import type { Topology, TopologyProcess } from '../topology.ts'

/**
 * The topology with nginx or Angie in front of its gateways.
 *
 * @param nginx path of the program
 */
export function withBalancer(topology: Topology, { nginx }: { nginx: string }): Topology {
  const balancer: TopologyProcess = {
    name: 'balancer',
    kind: 'outside',
    contract: 'flags',
    entry: 'outside/balancer/src/main.ts',
    instances: 1,
    scalable: false,
    ports: { http: { fixed: 8000 } },
    needs: ['gateway'],
    addresses: { '--gateway': { scheme: 'http', process: 'gateway', port: 'http' } },
    places: { '--control-socket': 'control-socket' },
    flags: { '--nginx': nginx },
    ready: { kind: 'http', port: 'http', path: '/edge/health' },
    stopStage: 0,
    stopTimeoutMs: 1_200,
    heap: { oldSpaceMb: 64, semiSpaceMb: 1 },
    memoryBudgetMb: 90,
  }
  return { processes: [...topology.processes, balancer] }
}
