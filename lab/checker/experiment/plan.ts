/** The plan of an experiment: which faults, of whom, when. The same question gives the same plan. Pure. */
import {
  breakableEdges,
  breaksEdge,
  type EdgeFaultKind,
  type ExperimentAsked,
  edgeName,
  type FaultKind,
  type PlannedFault,
} from '@svyaz/contracts/fault-lab.ts'
import type { Topology, TopologyProcess } from '@svyaz/system/topology'
import type { EdgeFault } from '../edge-faults.ts'
import type { Fault } from '../nemesis.ts'
import { createRandom, type Random } from '../random.ts'

/** The processes that an experiment may break: all but the world outside, and the console that shows it. */
export const breakable = ({ processes }: Topology): readonly string[] =>
  processes.filter(({ kind }) => kind !== 'outside' && kind !== 'console').map(({ name }) => name)

const poisons = [
  { topic: 'payments.tasks', type: 'payment.charge' },
  { topic: 'orders.events', type: 'order.paid' },
] as const

/** How long each kind lasts, in ms: shorter than anybody waits for an order, some longer than a lease. */
const lasts: Readonly<Partial<Record<FaultKind, readonly [least: number, most: number]>>> = {
  pause: [1_000, 13_000],
  stop: [1_000, 8_000],
  delay: [2_000, 6_000],
  error: [2_000, 6_000],
  cut: [2_000, 6_000],
}

/** @returns the faults in the order in which they are due */
export function planOf(asked: ExperimentAsked, topology: Topology): PlannedFault[] {
  const { seed, seconds, faults, kinds, targets, edges } = asked
  const random = createRandom(seed)
  const chosen = topology.processes.filter(({ name }) => targets.includes(name))
  const times = Array.from({ length: faults }, () => random.between(0, seconds * 1_000)).sort((a, b) => a - b)
  return times.map((atMs) => {
    const kind = random.pick(kinds)
    const range = lasts[kind]
    const target = targetOf(kind, chosen, edges, random)
    return { kind, target, atMs, ...(range === undefined ? {} : { forMs: random.between(...range) }) }
  })
}

function targetOf(
  kind: FaultKind,
  chosen: readonly TopologyProcess[],
  edges: readonly string[],
  random: Random,
): string {
  if (breaksEdge(kind)) {
    const possible = breakableEdges.filter((edge) => edge.kinds.includes(kind))
    return random.pick(possible.map(edgeName).filter((name) => edges.includes(name)))
  }
  if (kind === 'poison') return random.pick(poisons).topic
  const process = random.pick(chosen)
  return `${process.name}-${random.between(1, process.instances)}`
}

/** A planned fault as the nemesis takes it. @param name makes the id of a poison its own */
export function faultOf({ kind, target, forMs = 0 }: PlannedFault, name: string): Fault {
  switch (kind) {
    case 'kill':
    case 'restart':
      return { kind, target }
    case 'pause':
    case 'stop':
      return { kind, target, forMs }
    case 'delay':
    case 'error':
    case 'cut':
      return edgeFaultOf(kind, target, forMs)
    case 'poison':
      return { kind, target, type: poisons.find(({ topic }) => topic === target)?.type ?? '', id: name }
  }
}

const ofProcessor = {
  delay: { mode: 'hang', probability: 0.7 },
  error: { mode: 'error500', probability: 0.7, when: 'after' },
  cut: { mode: 'unavailable' },
} as const
const ofMails = {
  delay: { mode: 'slow', probability: 0.7, delayMs: 3_000 },
  error: { mode: 'refuse', probability: 0.7 },
  cut: { mode: 'lost-reply', probability: 0.7 },
} as const

/** By the edge's far end. */
function edgeFaultOf(kind: EdgeFaultKind, name: string, forMs: number): EdgeFault {
  const { from, to } = breakableEdges.find((edge) => edgeName(edge) === name) ?? { from: '', to: '' }
  if (to === 'payment-processor') return { kind: 'processor', target: to, fault: ofProcessor[kind], forMs }
  if (to === 'mail-sink') return { kind: 'mails', target: to, fault: ofMails[kind], forMs }
  return { kind: kind === 'delay' ? 'locked' : 'severed', target: from, forMs }
}
