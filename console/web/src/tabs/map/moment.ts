/**
 * The moment that the map shows: the present, or one of the last quarter of an hour, in frames of ten seconds
 * (decision 0097). Pure.
 */
import type { LiveFrame, TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { keep, type PastProcesses, type Process } from '../../../../protocol.ts'

type Edges = TelemetryReply<'edges'>
type Passing = Extract<LiveFrame, { type: 'edges' }>['edges'][number]

/** As the telemetry counts. */
export const frameMs = 10_000
export const speeds = [1, 4, 16] as const
export type Speed = (typeof speeds)[number]

/** The beginning of the frame that a time is in; both ms since 1970. */
export const frameOf = (atMs: number): number => Math.floor(atMs / frameMs) * frameMs

/** Beginnings of the first and the last frame that can be looked at; the last is still under way. */
export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** The range at a time. */
export const rangeAt = (nowMs: number): Range => ({ fromMs: frameOf(nowMs - keep.pastMs), toMs: frameOf(nowMs) })

/** What an address says of the moment (`?at=`), as the beginning of a frame; undefined for the present. */
export function momentIn(text: string | null): number | undefined {
  const atMs = Date.parse(text ?? '')
  return Number.isNaN(atMs) ? undefined : frameOf(atMs)
}

/** A moment as an address says it: RFC 3339, whole seconds. */
export const momentText = (atMs: number): string => new Date(atMs).toISOString().replace('.000', '')

/** A moment that is kept: the one asked for, or the oldest; the present for one that is yet to come. */
export function keptMoment(asked: number | undefined, { fromMs, toMs }: Range): number | undefined {
  return asked === undefined || asked > toMs ? undefined : Math.max(asked, fromMs)
}

/** Where playing has come to after a while; undefined when it has caught up with the present. */
export function advanced(atMs: number, elapsedMs: number, speed: Speed, { fromMs, toMs }: Range): number | undefined {
  const next = Math.max(atMs, fromMs) + elapsedMs * speed
  return next >= toMs ? undefined : next
}

/** What a key does to the moment. */
export type KeyMeaning = 'toggle' | 'back' | 'forth' | undefined

/**
 * @param on what has the focus: a `field` takes every key, a `range` takes arrows itself, a `button` the space bar
 * @param single whether keys without Ctrl mean something
 */
export function keyMeans(key: string, on: 'field' | 'range' | 'button' | 'other', single: boolean): KeyMeaning {
  if (on === 'field' || (!single && on !== 'range')) return undefined
  if (key === ' ') return on === 'button' ? undefined : 'toggle'
  if (on === 'range') return undefined
  return key === 'ArrowLeft' ? 'back' : key === 'ArrowRight' ? 'forth' : undefined
}

/** Part `at` of `parts` of what passed in a frame: the parts together are all of it, whatever the counts. */
export function partOf(passed: readonly Passing[], at: number, parts: number): Passing[] {
  const share = (count: number) => Math.floor((count * (at + 1)) / parts) - Math.floor((count * at) / parts)
  return passed.flatMap((one) => {
    const errors = share(one.errors)
    const count = share(one.count - one.errors) + errors
    return count === 0 ? [] : [{ ...one, count, errors }]
  })
}

const steps: Readonly<Record<Process['status'], number>> = {
  ready: 0,
  unready: 1,
  starting: 2,
  launching: 2,
  stopping: 3,
  paused: 4,
  stopped: 5,
  'backing-off': 5,
}

/**
 * The processes that there were between two times, each as it was at its worst: whoever steps from frame to frame misses
 * no kill, however soon it was over.
 */
export function processesIn({ changes }: PastProcesses, fromMs: number, toMs: number): Process[] {
  const found = new Map<string, Process>()
  for (const { at, name, process } of changes) {
    const atMs = Date.parse(at)
    if (atMs >= toMs) break
    const known = found.get(name)
    if (process === undefined) {
      if (atMs <= fromMs) found.delete(name)
    } else if (atMs <= fromMs || known === undefined || steps[process.status] > steps[known.status])
      found.set(name, process)
  }
  return [...found.values()]
}

/** Frames in which some process was not ready. */
export function framesOfFalls(past: PastProcesses, { fromMs, toMs }: Range): number[] {
  const frames = Array.from({ length: (toMs - fromMs) / frameMs + 1 }, (_, index) => fromMs + index * frameMs)
  return frames.filter((atMs) => processesIn(past, atMs, atMs + frameMs).some(({ status }) => status !== 'ready'))
}

const nothing = {
  count: 0,
  ratePerSecond: 0,
  errors: 0,
  errorRatio: 0,
  meanMs: 0,
  p50Ms: 0,
  p90Ms: 0,
  p95Ms: 0,
  p99Ms: 0,
  maxMs: 0,
} as const

/** A frame with the edges and nodes of the whole range: so that nothing moves from one frame to the next. */
export function withAll(frame: Edges, all: Edges): Edges {
  const idOf = ({ from, to, protocol }: Edges['edges'][number]) => `${from} ${to} ${protocol}`
  const edges = new Set(frame.edges.map(idOf))
  const nodes = new Set(frame.nodes.map(({ id }) => id))
  return {
    ...frame,
    edges: [
      ...frame.edges,
      ...all.edges
        .filter((edge) => !edges.has(idOf(edge)))
        .map(({ from, to, protocol }) => ({ from, to, protocol, ...nothing })),
    ],
    nodes: [...frame.nodes, ...all.nodes.filter(({ id }) => !nodes.has(id)).map((node) => ({ ...node, ...nothing }))],
  }
}

/** A frame whose nodes have the instances of its own time, by what the telemetry found when it looked at them (`up`). */
export function withInstances(frame: Edges, up: TelemetryReply<'metric'>): Edges {
  const found = Map.groupBy(up.series, ({ labels }) => labels.service ?? '')
  return {
    ...frame,
    nodes: frame.nodes.map((node) => ({
      ...node,
      instances: (node.kind === 'service' ? (found.get(node.name) ?? []) : []).map(({ labels, value }) => ({
        instance: labels.instance ?? '',
        status: value === 1 ? 'passing' : 'critical',
      })),
    })),
  }
}
