/** The running processes as a table and as a diagram of who calls whom. */
import { topology } from '../../system/topology.ts'
import { code, mermaid, table } from './regions.ts'
import { callsBetweenServices, callsByAddress, callsOfRoutes, withDatabase } from './source.ts'

/** The processes of the topology as a table. */
export function processesTable(): string {
  return table(
    ['process', 'kind', 'port', 'instances', 'database'],
    topology.processes.map(({ name, kind, ports, instances, database }) => [
      code(name),
      kind,
      Object.values(ports)
        .flatMap(({ fixed }) => (fixed === undefined ? [] : [String(fixed)]))
        .join(', ') || 'free',
      String(instances),
      database ? 'its own' : '',
    ]),
  )
}

/** Direct calls, each with its protocol. What goes over topics is in another picture. */
export function callsDiagram(): string {
  const { processes } = topology
  const calls = [...callsOfRoutes(), ...callsBetweenServices(), ...callsByAddress()]
  const named = Map.groupBy(calls, ({ from, to }) => `${from} ${to}`)
  const services = processes.filter(({ kind }) => kind === 'service').map(({ name }) => name)
  const all = (names: readonly string[]) => names.join(' & ')
  return mermaid([
    'flowchart LR',
    '  client((client)) -->|HTTP, WebSocket| gateway',
    '  subgraph services',
    ...services.map((name) => `    ${name}`),
    '  end',
    ...[...named.values()].map((list) => {
      const { from, to } = list[0]!
      return `  ${from} -->|${[...new Set(list.map(({ protocol }) => protocol))].join(', ')}| ${to}`
    }),
    `  ${all(services.filter((name) => name !== 'config'))} -.->|HTTP: settings| config`,
    `  ${all(withDatabase())} -->|SQL| postgres[(postgres)]`,
    '  services -->|Kafka| broker[(broker)]',
    '  services -.->|Consul HTTP| discovery',
    '  services -.->|OTLP| telemetry',
  ])
}
