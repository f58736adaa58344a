/**
 * Which index a blocking query waits for. Rules as in Consul's state store: a service has an index of its own, moved by
 * its instances, their checks and the checks of the node; a service without instances has the index of the last
 * extinction of any service; a prefix of keys includes its deletions.
 */
import type { State } from './state.ts'

export const mark = {
  /** Lower bound of everything, set at each start: after a restart each watcher reads again, once. */
  floor: 'floor',
  nodes: 'nodes',
  services: 'services',
  checks: 'checks',
  /** A check that belongs to the node and so to every service on it. */
  nodeChecks: 'nodeChecks',
  extinction: 'extinction',
  keys: 'keys',
  /** Highest index among the deletions that are no longer remembered one by one. */
  tombstoneFloor: 'tombstoneFloor',
  service: (name: string) => `service:${name}`,
} as const

/** Highest of the named marks, never below 1: a client that gets 0 would spin. */
export function indexOf(state: State, ...names: readonly string[]): number {
  let highest = state.marks.get(mark.floor) ?? 1
  for (const name of names) highest = Math.max(highest, state.marks.get(name) ?? 1)
  return highest
}

/** The `X-Consul-Index` of what concerns one service; of one that is gone, that of its going. */
export function serviceIndex(state: State, name: string): number {
  if (state.marks.has(mark.service(name))) return indexOf(state, mark.service(name), mark.nodeChecks, mark.nodes)
  return state.marks.has(mark.extinction) ? indexOf(state, mark.extinction) : indexOf(state, mark.services, mark.nodes)
}

/** The index answered for one key: its own, or that of all keys when it is absent. */
export function keyIndex(state: State, key: string): number {
  const row = state.keys.get(key)
  return row === undefined ? indexOf(state, mark.keys) : Math.max(row.modifyIndex, indexOf(state))
}

/** The index whose move wakes a watcher of one key: changes of other keys leave a watcher of an absent key asleep. */
export function keyWakeIndex(state: State, key: string): number {
  const own = state.keys.get(key)?.modifyIndex ?? state.tombstones.get(key) ?? 1
  return Math.max(own, indexOf(state))
}

/** The index of all keys that start with `prefix`, deletions included; that of all keys when there was never one. */
export function prefixIndex(state: State, prefix: string): number {
  const highest = highestUnder(state, prefix)
  return highest === 0 ? indexOf(state, mark.keys) : Math.max(highest, indexOf(state, mark.tombstoneFloor))
}

/** As `keyWakeIndex`, for a prefix. */
export function prefixWakeIndex(state: State, prefix: string): number {
  return Math.max(highestUnder(state, prefix), indexOf(state, mark.tombstoneFloor))
}

function highestUnder(state: State, prefix: string): number {
  let highest = 0
  for (const [key, row] of state.keys) if (key.startsWith(prefix)) highest = Math.max(highest, row.modifyIndex)
  for (const [key, index] of state.tombstones) if (key.startsWith(prefix)) highest = Math.max(highest, index)
  return highest
}
