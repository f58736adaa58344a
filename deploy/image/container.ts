/** What a container of a process is given, in Compose and in Kubernetes alike: ports, flags, heap and memory. Pure. */
import { type TopologyProcess, wellKnown } from '@svyaz/system/topology'

/** In a container of its own each process has the ports to itself: the same ones everywhere. */
const containerPorts: Readonly<Record<string, number>> = {
  http: 8080,
  grpc: 9090,
  management: 9464,
  otlp: 4318,
  smtp: 1025,
}

/** The user of our own images (Dockerfile). */
export const ownUid = 10_001

/** Flags that only an image needs. There is no supervisor here, so the console gets no control socket. */
const ownFlags: Readonly<Record<string, readonly string[]>> = {
  console: ['--page', '/svyaz/page'],
}

/** The port of a role in every container. @throws Error for a role that has none */
export function portOf(role: string): number {
  const port = containerPorts[role]
  if (port === undefined) throw new Error(`deploy/image/container.ts knows no port for ${role}`)
  return port
}

/**
 * The command line of a process with the contract `flags`.
 * @param host the name under which others call it
 */
export function flagsOf(process: TopologyProcess, host: string): string[] {
  const ports = Object.entries(process.ports).flatMap(([role, plan]) => [plan.flag ?? '--port', String(portOf(role))])
  const addresses = Object.entries(process.addresses ?? {}).flatMap(([flag, { scheme, process: holder, port }]) =>
    // Where Kafka's brokers and Consul are is known to settings alone.
    scheme === 'kafka' || (process.kind === 'console' && holder === 'discovery')
      ? []
      : [flag, `${scheme}://${holder}:${portOf(port)}`],
  )
  const flags = [
    ...ports,
    '--host',
    '0.0.0.0',
    '--data-dir',
    '/var/lib/svyaz',
    ...addresses,
    ...(ownFlags[process.name] ?? []),
  ]
  const named = process.kind === 'outside' && process.ports.smtp === undefined ? [] : ['--allow-host', host]
  return [...flags, ...named]
}

/** Variables of a process with the contract `kit` that are its own: addresses of the topology, and what is fixed. */
export function variablesOf(process: TopologyProcess): Record<string, string> {
  return {
    ...Object.fromEntries(
      Object.entries(process.addresses ?? {}).map(([name, { scheme, process: holder, port }]) => [
        name,
        `${scheme}://${holder}:${portOf(port)}`,
      ]),
    ),
    // The administrator whose password is public knowledge is for a closed machine: here there is none.
    ...Object.fromEntries(Object.entries(process.variables ?? {}).filter(([name]) => name !== 'SVYAZ_SEED_ADMIN')),
  }
}

/** Where services ask for their settings. */
export const configUrl = `http://${wellKnown.config.process}:${portOf(wellKnown.config.port)}`

/** For NODE_OPTIONS. */
export const heapOptions = ({ heap }: TopologyProcess): string =>
  `--max-old-space-size=${heap.oldSpaceMb} --max-semi-space-size=${heap.semiSpaceMb}`

/** The heap at its largest, and as much again as a process holds beside it: code, buffers, stacks. */
export const memoryLimitMb = ({ heap }: TopologyProcess): number => heap.oldSpaceMb + 3 * heap.semiSpaceMb + 128
