/** Who may call whom, as NetworkPolicies: nothing is allowed but what is in the lists of calls. Pure. */
import { type TopologyProcess, wellKnown } from '@svyaz/system/topology'
import { portOf } from '../image/container.ts'
import { containerized } from '../image/entries.ts'
import { defaults } from './values.ts'
import { edge, hasDatabase, labelsOf, metadata } from './workloads.ts'
import { type Fields, type Node, text, whole } from './yaml.ts'

/** One process calls another at the port of a role. */
export interface PortCall {
  readonly from: string
  readonly to: string
  readonly role: string
}

/** As tools/docs/source.ts finds it in topology, routes and sources. */
export interface Call {
  readonly from: string
  readonly to: string
  readonly protocol: 'HTTP' | 'gRPC' | 'WebSocket' | 'SMTP' | 'Kafka'
}

/**
 * Every call with its port: those given, and what each service asks of configuration and telemetry.
 * @param calls between processes, as the code makes them
 */
export function portCalls(calls: readonly Call[]): PortCall[] {
  const role = ({ to, protocol }: Call): string => {
    if (protocol === 'gRPC') return 'grpc'
    if (protocol === 'SMTP') return 'smtp'
    return to === wellKnown.telemetry.process ? wellKnown.telemetry.port : 'http'
  }
  const kit = containerized.filter(({ contract }) => contract === 'kit').map(({ name }) => name)
  const all = [
    // Engines are opened by their ports (policyOf).
    ...calls
      .filter(({ protocol }) => protocol !== 'Kafka')
      .map((call): PortCall => ({ from: call.from, to: call.to, role: role(call) })),
    ...[wellKnown.config, wellKnown.telemetry].flatMap(({ process, port }) =>
      kit.filter((name) => name !== process).map((from): PortCall => ({ from, to: process, role: port })),
    ),
  ]
  const key = ({ from, to, role: at }: PortCall) => `${from} ${to} ${at}`
  return [...new Map(all.map((call) => [key(call), call])).values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** Closes every Pod of the system to everything, in and out; the rest of the policies open what is needed. */
export const closed: Fields = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'closed', labels: { 'app.kubernetes.io/part-of': 'svyaz' } },
  spec: {
    podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'svyaz' } },
    policyTypes: ['Ingress', 'Egress'],
  },
}

/** What a process may be asked and may ask. */
export function policyOf(process: TopologyProcess, calls: readonly PortCall[]): Fields {
  const { name, contract } = process
  const callers = grouped(calls.filter(({ to }) => to === name).map(({ from, role }) => [from, role]))
  const callees = grouped(calls.filter(({ from }) => from === name).map(({ to, role }) => [to, role]))
  const engines: readonly (keyof typeof defaults.engines.ports)[] =
    contract === 'kit'
      ? [
          'kafka',
          'consul',
          'otlp',
          ...(hasDatabase(process) ? (['postgres'] as const) : []),
          ...(enginesOfOne[name] ?? []),
        ]
      : (enginesOfOne[name] ?? [])
  return networkPolicy(
    name,
    [
      ...[...callers].map(([from, roles]) => ({ from: [pods(from)], ports: roles.map(port) })),
      ...(edge.includes(name) ? [{ from: [namespace('edgeNamespace')], ports: [port(portOf('http'))] }] : []),
      { from: [namespace('monitoringNamespace')], ports: [port(portOf(probedRole(process)))] },
    ],
    [...[...callees].map(([to, roles]) => ({ to: [pods(to)], ports: roles.map(port) })), ...toEngines(engines)],
  )
}

/** Of a job: it asks one engine and is asked by nobody. */
export const policyOfJob = (name: string, engine: keyof typeof defaults.engines.ports): Fields =>
  networkPolicy(name, [], toEngines([engine]))

/**
 * Engines that one process asks beside those that every service does. The whole addresses of MongoDB and Redis are in its
 * Secret, because they hold a password; the console looks into the others.
 */
const enginesOfOne: Readonly<Record<string, readonly (keyof typeof defaults.engines.ports)[]>> = {
  orders: ['mongo'],
  gateway: ['redis'],
  console: ['kafka', 'consul'],
}

function networkPolicy(name: string, ingress: Fields[], egress: Fields[]): Fields {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(name),
    spec: {
      podSelector: { matchLabels: labelsOf(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress,
      egress: [
        ...egress,
        // Names are looked up wherever the cluster keeps its DNS.
        {
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    },
  }
}

/** Engines may be anywhere, so only their ports are named. */
function toEngines(engines: readonly (keyof typeof defaults.engines.ports)[]): Fields[] {
  if (engines.length === 0) return []
  return [
    {
      ports: engines.map((name) =>
        port(
          whole(
            name === 'kafka'
              ? '(ternary .Values.engines.ports.amqp .Values.engines.ports.kafka (eq .Values.messages "rabbitmq"))'
              : `.Values.engines.ports.${name}`,
            defaults.engines.ports[name],
          ),
        ),
      ),
    },
  ]
}

const port = (number: Node): Fields => ({ protocol: 'TCP', port: number })

const pods = (name: string): Fields => ({ podSelector: { matchLabels: labelsOf(name) } })

const namespace = (value: 'edgeNamespace' | 'monitoringNamespace'): Fields => ({
  namespaceSelector: {
    matchLabels: {
      'kubernetes.io/metadata.name': text(`.Values.networkPolicies.${value}`, defaults.networkPolicies[value]),
    },
  },
})

/** Metrics are where the probes are. */
const probedRole = ({ ready }: TopologyProcess): string => (ready.kind === 'started' ? 'management' : ready.port)

/** Roles' ports by the other side. */
function grouped(pairs: readonly (readonly [string, string])[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [name, role] of pairs) groups.set(name, [...(groups.get(name) ?? []), portOf(role)])
  return groups
}
