/** The processes that there is an image of: those of the topology that no engine takes the place of, and the jobs. */
import { type TopologyProcess, topology } from '@svyaz/system/topology'

/** Process of the embedded profile → what replaces it here, and why. */
export const replaced: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  broker: 'Apache Kafka',
  discovery: 'Consul',
}

export const containerized: readonly TopologyProcess[] = topology.processes.filter(
  ({ name }) => replaced[name] === undefined,
)

/** Image → its entry, relative to the root. */
export const imageEntries: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    containerized.map(({ name, entry }) => {
      if (entry === undefined) throw new Error(`${name} has no entry and no engine in its place`)
      return [name, entry]
    }),
  ),
  jobs: 'deploy/jobs/main.ts',
}
