/** The running processes as a table and as a diagram of who calls whom. */
import { topology } from '../../system/topology.ts'
import { code, mermaid, table } from './regions.ts'
import { type Call, callsBetweenServices } from './source.ts'

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
  const outside: Call[] = processes.flatMap(({ name, addresses }) =>
    Object.values(addresses ?? {}).map(({ scheme, process }) => ({
      from: name,
      to: process,
      protocol: scheme.toUpperCase() as Call['protocol'],
    })),
  )
  const calls = callsBetweenServices().filter(({ from }) => from !== 'gateway')
  const named = Map.groupBy([...calls, ...outside], ({ from, to }) => `${from} ${to}`)
  const services = processes.filter(({ kind }) => kind === 'service')
  const behind = services.map(({ name }) => name).filter((name) => name !== 'gateway')
  return mermaid([
    'flowchart LR',
    '  client((client)) -->|HTTP, WebSocket| gateway',
    `  gateway -->|HTTP, gRPC, WebSocket| services`,
    '  subgraph services',
    ...behind.map((name) => `    ${name}`),
    '  end',
    ...[...named.values()].map((list) => {
      const { from, to } = list[0]!
      return `  ${from} -->|${list.map(({ protocol }) => protocol).join(', ')}| ${to}`
    }),
    `  services -->|SQL| postgres[(postgres)]`,
    `  services -->|Kafka| broker[(broker)]`,
    '  services -.->|Consul HTTP| discovery',
    '  services -.->|OTLP| telemetry',
  ])
}
