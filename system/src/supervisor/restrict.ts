/** A part of a topology. */
import type { Topology } from '../../topology.ts'
import { SupervisorError } from './errors.ts'

/** Only the processes named; what they need and isn't named must be there already, or they wait for it. */
export function restrict(topology: Topology, names: readonly string[]): Topology {
  const unknown = names.filter((name) => !topology.processes.some((process) => process.name === name))
  if (unknown.length > 0) throw new SupervisorError(`there is no process called ${unknown.join(', ')}`)
  return { processes: topology.processes.filter((process) => names.includes(process.name)) }
}

/** The processes named and everything they need, directly or not. */
export function withNeeds(topology: Topology, names: readonly string[]): string[] {
  const wanted = new Set(names)
  for (const name of wanted) {
    for (const need of topology.processes.find((process) => process.name === name)?.needs ?? []) wanted.add(need)
  }
  return [...wanted]
}
