/** The edge as a row of the topology: only with `svyaz up --edge`, because it needs a program that isn't ours. */
import { join } from 'node:path'
import type { Topology, TopologyProcess } from '../topology.ts'
import { certificateFiles } from './certificates/local-authority.ts'
import { placesIn } from './supervisor/places.ts'

/**
 * The topology with Caddy in front of its gateway.
 *
 * @param caddy path of the program
 * @param root the checkout
 * @param home SVYAZ_HOME
 */
export function withEdge(
  topology: Topology,
  { caddy, root, home }: { caddy: string; root: string; home: string },
): Topology {
  const { certificate, key } = certificateFiles(placesIn(home).keys)
  const edge: TopologyProcess = {
    name: 'edge',
    kind: 'outside',
    contract: 'flags',
    entry: 'outside/edge/src/main.ts',
    instances: 1,
    scalable: false,
    ports: { https: { fixed: 8444 } },
    needs: ['gateway'],
    addresses: { '--gateway': { scheme: 'http', process: 'gateway', port: 'http' } },
    flags: {
      '--certificate': certificate,
      '--certificate-key': key,
      '--caddy': caddy,
      '--file': join(root, 'deploy', 'edge', 'Caddyfile'),
    },
    ready: { kind: 'tcp', port: 'https' },
    stopStage: 0,
    stopTimeoutMs: 1_200,
    heap: { oldSpaceMb: 64, semiSpaceMb: 1 },
    memoryBudgetMb: 90,
  }
  return { processes: [...topology.processes, edge] }
}
