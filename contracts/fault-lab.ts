/**
 * What the fault lab is asked, and what it says: an experiment puts orders through the running system, breaks parts of it
 * by a seeded plan, lets it heal, and judges what became of its own orders. Types and bounds, no schema: it is said
 * between programs of one machine, a line of JSON each.
 */

export const faultKinds = ['kill', 'pause', 'stop', 'restart', 'delay', 'error', 'cut', 'poison'] as const
/**
 * `kill`: −9. `pause`: stopped in the middle of its work, then goes on. `stop`: away for a while. `delay`, `error`, `cut`:
 * of what goes over an edge of `breakableEdges`. `poison`: a record that no consumer can read.
 */
export type FaultKind = (typeof faultKinds)[number]

/** Kinds that break an edge; the others break a process, or a topic. */
export const edgeFaultKinds = ['delay', 'error', 'cut'] as const satisfies readonly FaultKind[]
export type EdgeFaultKind = (typeof edgeFaultKinds)[number]

/**
 * An edge that can be broken from its far end while the system runs, and how: the world outside simulates all three; in
 * its database a service can be kept waiting, and its sessions be ended (decision 0099).
 */
export interface BreakableEdge {
  readonly from: string
  readonly to: string
  readonly kinds: readonly EdgeFaultKind[]
}

export const breakableEdges: readonly BreakableEdge[] = [
  { from: 'payments', to: 'payment-processor', kinds: edgeFaultKinds },
  { from: 'notifications', to: 'mail-sink', kinds: edgeFaultKinds },
  ...['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications'].map(
    (from): BreakableEdge => ({ from, to: 'postgres', kinds: ['delay', 'cut'] }),
  ),
]

/** An edge as it is asked for and shown. */
export const edgeName = ({ from, to }: Pick<BreakableEdge, 'from' | 'to'>): string => `${from} → ${to}`

/** Whether a kind breaks edges. */
export const breaksEdge = (kind: FaultKind): kind is EdgeFaultKind => edgeFaultKinds.some((one) => one === kind)

/** Bounds of one experiment; what is beyond them is refused. */
export const experimentBounds = {
  secondsMin: 5,
  secondsMax: 120,
  faultsMax: 12,
  ordersPerSecondMax: 5,
  seedMax: 999_999_999,
} as const

/** What is asked for where nothing else is said. */
export const usualExperiment = {
  seconds: 30,
  faults: 5,
  ordersPerSecond: 2,
  targets: ['orders', 'inventory', 'payments', 'delivery', 'notifications', 'broker'],
} as const

export interface ExperimentAsked {
  /** The same seed gives the same plan. */
  readonly seed: number
  /** How long faults may begin. */
  readonly seconds: number
  readonly faults: number
  readonly kinds: readonly FaultKind[]
  /** Processes that may be killed, paused, stopped, restarted. */
  readonly targets: readonly string[]
  /** Edges that may be delayed, made to fail, cut; by their names. */
  readonly edges: readonly string[]
  readonly ordersPerSecond: number
}

export interface PlannedFault {
  readonly kind: FaultKind
  /** An instance, a process, an edge, or a topic. */
  readonly target: string
  /** After the first fault was due. */
  readonly atMs: number
  /** How long it lasts; absent for what is over at once. */
  readonly forMs?: number
}

export const experimentPhases = ['preparing', 'warm', 'faults', 'healing', 'resting', 'judging', 'over'] as const
export type ExperimentPhase = (typeof experimentPhases)[number]

export interface FaultOutcome {
  readonly state: 'under way' | 'over'
  /** Whether it visibly happened. */
  readonly fired?: boolean
  /** Until its target was itself again. */
  readonly recoveryMs?: number
  readonly ordersInFlight?: number
  readonly note?: string
}

export interface ExperimentCounts {
  readonly accepted: number
  readonly refused: number
  readonly unanswered: number
}

/** What a breach is about: something accepted is gone, something happened twice, or something is otherwise not as it must be. */
export type Concern = 'lost' | 'doubled' | 'wrong'

export interface Judgement {
  /** As the checker calls it: O1, P1 … */
  readonly id: string
  readonly promise: string
  readonly concern: Concern
  readonly breaches: number
  /** The first few, in words. */
  readonly found: readonly string[]
}

export interface Scorecard extends Readonly<Record<Concern, number>> {
  readonly counts: ExperimentCounts
  /** Orders of the experiment by how they ended. */
  readonly statuses: Readonly<Record<string, number>>
  readonly fired: number
  readonly planned: number
  /** Of the fault that took longest. */
  readonly recoveryMsMax?: number
  /** From the end of the load until nothing was left to be done; absent when something was. */
  readonly restMs?: number
  readonly judgements: readonly Judgement[]
}

export type ExperimentSaid =
  | { readonly type: 'plan'; readonly faults: readonly PlannedFault[] }
  | { readonly type: 'phase'; readonly phase: ExperimentPhase }
  | { readonly type: 'counts'; readonly counts: ExperimentCounts }
  | { readonly type: 'fault'; readonly index: number; readonly outcome: FaultOutcome }
  | { readonly type: 'scorecard'; readonly scorecard: Scorecard }
  | { readonly type: 'failed'; readonly why: string }

/** Why it can't be carried out, or undefined when it can. @param processes what may be a target */
export function whyRefused(asked: ExperimentAsked, processes: readonly string[]): string | undefined {
  const whole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  const { secondsMin, secondsMax, faultsMax, ordersPerSecondMax, seedMax } = experimentBounds
  if (!whole(asked.seed, 0, seedMax)) return `the seed is a whole number up to ${seedMax}`
  if (!whole(asked.seconds, secondsMin, secondsMax)) return `it lasts ${secondsMin} to ${secondsMax} seconds`
  if (!whole(asked.faults, 1, faultsMax)) return `there are 1 to ${faultsMax} faults`
  if (!whole(asked.ordersPerSecond, 1, ordersPerSecondMax))
    return `there are 1 to ${ordersPerSecondMax} orders a second`
  if (asked.kinds.length === 0) return 'no kind of fault was chosen'
  if (!asked.kinds.every((kind) => faultKinds.includes(kind))) return 'one kind of fault is unknown'
  const unknown = asked.targets.find((target) => !processes.includes(target))
  if (unknown !== undefined) return `${unknown} may not be broken here`
  const needsTarget = asked.kinds.some((kind) => ['kill', 'pause', 'stop', 'restart'].includes(kind))
  return needsTarget && asked.targets.length === 0 ? 'no process was chosen' : whyEdgesRefused(asked)
}

function whyEdgesRefused({ kinds, edges }: ExperimentAsked): string | undefined {
  const unknown = edges.find((name) => !breakableEdges.some((edge) => edgeName(edge) === name))
  if (unknown !== undefined) return `the edge ${unknown} can't be broken`
  const chosen = breakableEdges.filter((edge) => edges.includes(edgeName(edge)))
  const idle = kinds.filter(breaksEdge).find((kind) => !chosen.some((edge) => edge.kinds.includes(kind)))
  return idle === undefined ? undefined : `no edge was chosen on which ${idle} is possible`
}
