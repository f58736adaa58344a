/** One load on a stack → what came of its orders and what they took. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Loaded } from './loops.ts'
import type { Stack } from './stack.ts'
import { cpuPerOrder, figuresOf, type Run } from './table.ts'

const settleMs = 3_000

/** Processor time by process while nobody orders, ms a second. */
export type Rest = Readonly<Record<string, number>>

/** @param seconds how long is looked, after what was under way has settled */
export async function atRest(stack: Stack, seconds: number): Promise<Rest> {
  await delay(settleMs)
  const before = stack.cpuMs()
  await delay(seconds * 1_000)
  return Object.fromEntries([...stack.cpuMs()].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / seconds]))
}

/**
 * Puts a load on and waits until its last marks are made.
 * @param seconds what the load is to last: orders completed later count for no rate
 */
export async function measured(
  stack: Stack,
  rest: Rest,
  seconds: number,
  load: () => Promise<Loaded>,
): Promise<Omit<Run, 'stack' | 'loop' | 'round' | 'load'>> {
  const before = stack.cpuMs()
  const loaded = await load()
  // Mails and last marks belong to the orders; what it takes longer is counted as rest and taken off.
  await delay(settleMs)
  const lasted = (performance.now() - loaded.startedAtMs) / 1_000
  const figures = figuresOf(loaded, seconds)
  const cpuMsPerOrder = cpuPerOrder(before, stack.cpuMs(), rest, { seconds: lasted, orders: figures.accepted })
  return { seconds, ...figures, cpuMsPerOrder, restMsPerSecond: rest }
}
