/** `/services`, `/red` and `/edges` out of what was counted. */
import type { Activity, Edge } from './activity.ts'
import { type Cell, cellMs } from './cells.ts'
import { pointsOf, type Red, redOf, sumOf } from './summary.ts'

export type Window = { readonly fromMs: number; readonly toMs: number; readonly windowS: number }
export type InstanceState = { readonly instance: string; readonly status: 'passing' | 'warning' | 'critical' }
/** Services that discovery knows, with their instances. */
export type Health = ReadonlyMap<string, readonly InstanceState[]>

/** A window of whole cells that ends with the one that `toMs` is in. */
export function windowOf(toMs: number, windowS: number): Window {
  const end = (Math.floor(toMs / cellMs) + 1) * cellMs
  const whole = Math.ceil((windowS * 1_000) / cellMs) * cellMs
  return { fromMs: end - whole, toMs: end, windowS: whole / 1_000 }
}

/** The answer of `GET /red`: rate, errors and durations of each operation in the window. */
export function redAnswer(activity: Activity, window: Window, only: string | undefined, withPoints: boolean) {
  const figures = (cells: readonly Cell[]) => ({
    ...redOf(sumOf(cells), window.windowS),
    ...(withPoints ? { points: pointsOf(cells) } : {}),
  })
  const isWanted = (service: string) => only === undefined || service === only
  return {
    ...window,
    operations: [...activity.operations.between(window.fromMs, window.toMs)]
      .filter(({ name }) => isWanted(name.service))
      .map(({ name, cells }) => ({ ...name, ...figures(cells) }))
      .sort((a, b) => b.count - a.count),
    edges: [...activity.edges.between(window.fromMs, window.toMs)]
      .filter(({ name }) => only === undefined || name.from === `service:${only}` || name.to === `service:${only}`)
      .map(({ name, cells }) => ({ ...name, ...figures(cells) }))
      .sort((a, b) => b.count - a.count),
  }
}

type Node = { id: string; kind: string; name: string; cells: Cell[] }

/** The answer of `GET /edges`: who calls whom, how often, how long it takes and how much waits. */
export function edgesAnswer(
  activity: Activity,
  window: Window,
  health: Health,
  waiting: (topic: string, service: string) => number | undefined = () => undefined,
) {
  const rows = [...activity.edges.between(window.fromMs, window.toMs)]
  const nodes = new Map<string, Node>()
  const node = (id: string): Node => {
    const [kind = '', ...rest] = id.split(':')
    const found = nodes.get(id) ?? { id, kind, name: rest.join(':') || kind, cells: [] }
    nodes.set(id, found)
    return found
  }
  for (const { name, cells } of rows) {
    node(name.from)
    node(name.to).cells.push(...cells)
  }
  for (const service of health.keys()) node(`service:${service}`)
  return {
    ...window,
    nodes: Array.from(nodes.values(), ({ cells, ...named }) => ({
      ...named,
      ...redOf(sumOf(cells), window.windowS),
      instances: (named.kind === 'service' && health.get(named.name)) || [],
    })),
    edges: rows.map(({ name, cells }) => ({
      ...name,
      ...redOf(sumOf(cells), window.windowS),
      ...waitingAt(name, waiting),
    })),
  }
}

/** The answer of `GET /edges/totals`: what passed over all edges, by cell, oldest first. */
export function edgeTotalsAnswer(activity: Activity, { fromMs, toMs }: Window) {
  const found = new Map<number, { atMs: number; count: number; errors: number }>()
  for (const { cells } of activity.edges.between(fromMs, toMs))
    for (const { atMs, count, errors } of cells) {
      const total = found.get(atMs) ?? { atMs, count: 0, errors: 0 }
      total.count += count
      total.errors += errors
      found.set(atMs, total)
    }
  return { fromMs, toMs, stepMs: cellMs, totals: [...found.values()].sort((a, b) => a.atMs - b.atMs) }
}

function waitingAt(
  { from, to }: Edge,
  waiting: (topic: string, service: string) => number | undefined,
): { readonly waiting?: number } {
  const [, topic] = /^topic:(.*)$/.exec(from) ?? []
  const [, service] = /^service:(.*)$/.exec(to) ?? []
  const found = topic === undefined || service === undefined ? undefined : waiting(topic, service)
  return found === undefined ? {} : { waiting: found }
}

/** Who sent spans, and which operations they named. */
export function operationsByService(activity: Activity): Map<string, { operation: string; kind: string }[]> {
  const found = new Map<string, { operation: string; kind: string }[]>()
  for (const { service, operation, kind } of activity.operations.names())
    found.set(service, [...(found.get(service) ?? []), { operation, kind }])
  return found
}

export type { Red }
