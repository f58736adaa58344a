/**
 * Which instance listens where. A free port is chosen once, remembered, and kept across restarts of the instance and
 * of the whole system, because cached addresses keep working that way (reliability, rule 12).
 */
import { createServer } from 'node:net'
import type { Topology, TopologyProcess } from '../../topology.ts'
import { SupervisorError } from './errors.ts'
import { describePortHolder } from './port-holder.ts'
import { readJson, writeJson } from './state-files.ts'

/** Ports of one instance by role, e.g. `{http: 21044, management: 21045}`. */
export type InstancePorts = Readonly<Record<string, number>>

/**
 * Free ports come from below 32768: above it Linux takes the local ends of outgoing connections
 * (ip_local_port_range), which could sit on an instance's port while it restarts.
 */
export const freePortRange = { first: 20_000, last: 32_000 }

export interface PortOptions {
  readonly topology: Topology
  readonly host: string
  /** Added to every fixed port; `'free'` gives fixed ones free ports too. */
  readonly offset: number | 'free'
  /** File that remembers; undefined: remember nothing. */
  readonly file: string | undefined
  /** Where to begin looking for free ports, so that systems started side by side meet rarely. */
  readonly random: () => number
}

export class Ports {
  readonly #options: PortOptions
  readonly #assigned: Map<string, Record<string, number>>
  #next: number

  constructor(options: PortOptions) {
    this.#options = options
    const remembered =
      options.file === undefined ? undefined : readJson<Record<string, Record<string, number>>>(options.file)
    this.#assigned = new Map(Object.entries(remembered ?? {}))
    const { first, last } = freePortRange
    this.#next = first + Math.floor(options.random() * (last - first))
  }

  /** Ports of an instance that {@link assign} was called for. */
  of(instance: string): InstancePorts {
    const ports = this.#assigned.get(instance)
    if (!ports) throw new Error(`no ports assigned to ${instance}`)
    return ports
  }

  /** The port under which clients find a process: that of its first instance. */
  first(process: string, port: string): number {
    const number = this.of(`${process}-1`)[port]
    if (number === undefined) throw new Error(`${process} has no port "${port}"`)
    return number
  }

  /**
   * Fixes the ports of an instance: fixed ones by the topology, free ones as remembered unless somebody else listens
   * there by now. Call it while the instance is down.
   *
   * @throws SupervisorError when a fixed port is taken; it names port, holder and flag.
   */
  async assign(process: TopologyProcess, index: number): Promise<void> {
    const name = `${process.name}-${index}`
    const before = this.#assigned.get(name) ?? {}
    // Two instances that are assigned at the same moment see each other's numbers, old or new.
    const ports: Record<string, number> = { ...before }
    this.#assigned.set(name, ports)
    for (const [role, plan] of Object.entries(process.ports)) {
      const fixed = index === 1 && plan.fixed !== undefined && this.#options.offset !== 'free'
      ports[role] = fixed
        ? await this.#claim(process.name, (plan.fixed ?? 0) + Number(this.#options.offset))
        : await this.#free(name, role)
    }
  }

  save(): void {
    if (this.#options.file !== undefined) writeJson(this.#options.file, Object.fromEntries(this.#assigned))
  }

  async #claim(process: string, port: number): Promise<number> {
    if (port > 65_535)
      throw new SupervisorError(`--port-offset moves ${process} to port ${port}; the last one is 65535`)
    const fault = await bindFault(port, this.#options.host)
    if (fault === undefined) return port
    throw new SupervisorError(
      fault === 'EADDRINUSE'
        ? `port ${port}, which ${process} needs, is taken by ${describePortHolder(port)}: stop it, or move all ports with --port-offset 1000`
        : `port ${port}, which ${process} needs, can't be opened on ${this.#options.host} (${fault})`,
    )
  }

  async #free(instance: string, role: string): Promise<number> {
    const { host } = this.#options
    const remembered = this.#assigned.get(instance)?.[role]
    const others = new Set<number>()
    for (const [name, ports] of this.#assigned) {
      for (const [other, port] of Object.entries(ports)) if (name !== instance || other !== role) others.add(port)
    }
    if (remembered !== undefined && !others.has(remembered) && !(await bindFault(remembered, host))) return remembered
    const { first, last } = freePortRange
    for (let tried = 0; tried <= last - first; tried += 1) {
      const port = this.#next
      this.#next = port >= last ? first : port + 1
      if (!others.has(port) && !(await bindFault(port, host))) return port
    }
    throw new SupervisorError(`no free port between ${first} and ${last} on ${host}`)
  }
}

/** Error code of listening on a port for a moment; undefined when it works. */
export function bindFault(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** Collects every fixed port that is taken, so that one message names them all. */
export async function assignAll(ports: Ports, topology: Topology): Promise<void> {
  const faults: string[] = []
  for (const process of topology.processes) {
    for (let index = 1; index <= process.instances; index += 1) {
      try {
        await ports.assign(process, index)
      } catch (error) {
        if (!(error instanceof SupervisorError)) throw error
        faults.push(error.message)
      }
    }
  }
  if (faults.length > 0) throw new SupervisorError(faults.join('\n'))
}
