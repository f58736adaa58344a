/**
 * The map as nodes and edges: what the contracts declare, what runs, and what passes. Nothing is drawn by hand. Pure.
 * Ids are the telemetry's (contracts/telemetry.ts): `service:orders`, `topic:orders.events`, `database:orders`,
 * `external:…`, `client`.
 */
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import type { Process } from '../../../../protocol.ts'
import type { Declared } from '../../../declared.ts'

type Edges = TelemetryReply<'edges'>
export type Passed = Edges['edges'][number]
export type Arrived = Edges['nodes'][number]
export type EdgeProtocol = Passed['protocol'] | 'task'
/** `breaker_state` of callers, by `service` and `dependency` (a protocol and a name). */
export type Breakers = TelemetryReply<'metric'>['series']

export type NodeKind = 'client' | 'service' | 'topic' | 'queue' | 'database' | 'external'
/** `gone`: nothing of it answers; `partly`: some instances do. `quiet`: nobody says how it is. */
export type Health = 'good' | 'partly' | 'busy' | 'gone' | 'quiet'

export interface MapNode {
  readonly id: string
  readonly kind: NodeKind
  readonly name: string
  readonly health: Health
  /** Of processes; empty where it is none. */
  readonly instances: readonly Process[]
  /** What came in during the window. */
  readonly arrived?: Arrived
  /** Messages that wait, over all groups. */
  readonly waiting: number
}

export interface MapEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly protocol: EdgeProtocol
  readonly passed?: Passed
  /** The caller has found it failing too often: calls are refused at once, or tried now and then. */
  readonly breaker?: 'open' | 'half'
}

export interface Graph {
  readonly nodes: readonly MapNode[]
  readonly edges: readonly MapEdge[]
}

/** The id of an edge; `from` and `to` are ids of nodes. */
export const edgeIdOf = (from: string, to: string, protocol: string): string => `${from} ${to} ${protocol}`

/** Processes that carry the others: everybody uses them, so that an edge to each would hide the rest. */
const carriers = new Set(['broker', 'postgres', 'discovery', 'telemetry', 'console', 'config'])

/** Those that carry, of what runs. */
export const carriersOf = (processes: readonly Process[]): string[] => [
  ...new Set(processes.map(({ service }) => service).filter((name) => carriers.has(name))),
]

/**
 * @param edges what passed, or undefined while nobody says
 * @param breakers those that aren't closed
 */
export function graphOf(
  declared: Declared,
  processes: readonly Process[],
  edges: Edges | undefined,
  breakers: Breakers = [],
): Graph {
  const aliases = aliasesOf(processes)
  const tasks = new Set(declared.topics.filter(({ kind }) => kind === 'task').map(({ name }) => name))
  const found = new Map<string, MapEdge>()
  const add = (from: string, to: string, protocol: EdgeProtocol, passed?: Passed) => {
    const id = edgeIdOf(from, to, protocol)
    found.set(id, { id, from, to, protocol, ...(passed === undefined ? {} : { passed }) })
  }
  for (const { from, to } of declaredEdges(declared)) add(from, to, protocolOf(from, to, tasks))
  for (const passed of edges?.edges ?? []) {
    const [from, to] = [nodeIdOf(passed.from, aliases), nodeIdOf(passed.to, aliases)]
    if (carries(from) || carries(to) || from === to) continue
    const message = passed.protocol === 'message' && tasks.has(nameOf(passed.from, passed.to))
    add(from, to, message ? 'task' : passed.protocol, passed)
  }
  const list = withBreakers(withoutRepeats([...found.values()]), breakers)
  const ids = new Set([
    ...list.flatMap(({ from, to }) => [from, to]),
    ...processes.filter(({ service }) => !carriers.has(service)).map(idOfProcess),
  ])
  const arrived = new Map((edges?.nodes ?? []).map((node) => [nodeIdOf(node.id, aliases), node]))
  return {
    nodes: [...ids].map((id) => nodeOf(id, tasks, processes, arrived.get(id), list)),
    edges: list.filter(({ from, to }) => ids.has(from) && ids.has(to)),
  }
}

/** What the telemetry may call the processes that play the world outside: by name, by where they listen, by what they do. */
export type Aliases = ReadonlyMap<string, string>

/** The aliases of what runs. */
export function aliasesOf(processes: readonly Process[]): Aliases {
  const outside = processes.filter(({ kind }) => kind === 'outside')
  return new Map(
    outside.flatMap(({ service, ports }) => [
      [service, service],
      ...Object.values(ports).map((port) => [`127.0.0.1:${port}`, service] as const),
      ...(service === 'mail-sink' ? [['mail', service] as const] : []),
    ]),
  )
}

/** A node's id as the topology has it. */
export function nodeIdOf(id: string, aliases: Aliases): string {
  const outside = aliases.get(id.replace(/^\w+:/, ''))
  return outside === undefined || id.startsWith('topic:') ? id : `external:${outside}`
}

const nameOf = (from: string, to: string): string => (from.startsWith('topic:') ? from : to).slice('topic:'.length)
const carries = (id: string): boolean => carriers.has(id.replace(/^\w+:/, '')) || id === 'topic:config.events'

/** The id of the node that a process belongs to. */
export const idOfProcess = ({ service, kind }: Process): string =>
  kind === 'outside' ? `external:${service}` : `service:${service}`

function declaredEdges({ topics, calls }: Declared): { from: string; to: string }[] {
  const id = (name: string) => (name === 'client' ? name : `service:${name}`)
  return [
    ...calls.map(({ from, to }) => ({ from: id(from), to: id(to) })),
    ...topics.flatMap(({ name, writer, readers }) => [
      { from: id(writer), to: `topic:${name}` },
      ...readers.map((reader) => ({ from: `topic:${name}`, to: id(reader) })),
    ]),
  ].filter(({ from, to }) => !carries(from) && !carries(to))
}

function protocolOf(from: string, to: string, tasks: ReadonlySet<string>): EdgeProtocol {
  if (!from.startsWith('topic:') && !to.startsWith('topic:')) return 'http'
  return tasks.has(nameOf(from, to)) ? 'task' : 'message'
}

/** A declared call is drawn only until a real one is seen between the two, by whatever protocol. */
function withoutRepeats(edges: readonly MapEdge[]): MapEdge[] {
  const seen = new Set(edges.filter(({ passed }) => passed).map(({ from, to }) => `${from} ${to}`))
  return edges.filter(({ passed, from, to }) => passed !== undefined || !seen.has(`${from} ${to}`))
}

/** By its own protocol, or by whatever is drawn between the two: a call that is refused at once leaves no edge. */
function withBreakers(edges: readonly MapEdge[], breakers: Breakers): MapEdge[] {
  const open = new Map<string, 'open' | 'half'>()
  for (const { labels, value } of breakers) {
    const [protocol = '', ...name] = (labels.dependency ?? '').split(' ')
    const between = edges.filter(
      ({ from, to }) => from === `service:${labels.service}` && to === `service:${name.join(' ')}`,
    )
    const edge = between.find((one) => one.protocol === protocol) ?? between[0]
    if (edge !== undefined && open.get(edge.id) !== 'open') open.set(edge.id, value === 2 ? 'open' : 'half')
  }
  return edges.map((edge) => {
    const breaker = open.get(edge.id)
    return breaker === undefined ? edge : { ...edge, breaker }
  })
}

function nodeOf(
  id: string,
  tasks: ReadonlySet<string>,
  processes: readonly Process[],
  arrived: Arrived | undefined,
  edges: readonly MapEdge[],
): MapNode {
  const name = id.replace(/^\w+:/, '')
  const instances = processes.filter((process) => idOfProcess(process) === id)
  const waiting = edges.reduce((sum, edge) => sum + (edge.from === id ? (edge.passed?.waiting ?? 0) : 0), 0)
  const kind = kindOf(id, name, tasks)
  return {
    id,
    kind,
    name,
    instances,
    health: healthOf(kind, instances, arrived),
    waiting,
    ...(arrived === undefined ? {} : { arrived }),
  }
}

function kindOf(id: string, name: string, tasks: ReadonlySet<string>): NodeKind {
  if (id === 'client') return 'client'
  if (id.startsWith('topic:')) return tasks.has(name) ? 'queue' : 'topic'
  return id.startsWith('database:') ? 'database' : id.startsWith('external:') ? 'external' : 'service'
}

/** By the supervisor where there is one, else by discovery. */
function healthOf(kind: NodeKind, instances: readonly Process[], arrived: Arrived | undefined): Health {
  if (instances.length > 0) {
    const ready = instances.filter(({ status }) => status === 'ready').length
    if (ready === instances.length) return 'good'
    if (ready > 0) return 'partly'
    return instances.some(({ status }) => status === 'launching' || status === 'starting') ? 'busy' : 'gone'
  }
  if (kind !== 'service') return 'quiet'
  const known = arrived?.instances ?? []
  const passing = known.filter(({ status }) => status === 'passing').length
  return known.length === 0 ? 'quiet' : passing === known.length ? 'good' : passing > 0 ? 'partly' : 'gone'
}
