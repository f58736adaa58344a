/**
 * Children of a supervisor that was killed end by themselves when their standard input closes. This finds those that
 * did not, by the record that each supervisor keeps of its children, and ends them before the next start.
 */
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, type ProcessIdentity, processTree, signalEach } from './process-table.ts'
import { readJson, writeJson } from './state-files.ts'

export interface ChildRecord extends ProcessIdentity {
  readonly instance: string
}

/** Their parent has gone: they are stopping already, and a database writes its checkpoint. */
const graceMs = 3_000
const pollMs = 25

/** Writes down which processes run, for the next supervisor should this one be killed. */
export function recordChildren(path: string, children: readonly ChildRecord[]): void {
  if (children.length === 0) rmSync(path, { force: true })
  else writeJson(path, children)
}

/** Recorded children that still run. */
export const leftChildren = (path: string): ChildRecord[] => (readJson<ChildRecord[]>(path) ?? []).filter(isAlive)

/**
 * Waits for recorded children to end, then kills what is left with all below it.
 *
 * @returns the names of instances that had to be killed.
 */
export async function endOrphans(path: string): Promise<string[]> {
  const deadline = performance.now() + graceMs
  let left = leftChildren(path)
  while (left.length > 0 && performance.now() < deadline) {
    await delay(pollMs)
    left = left.filter(isAlive)
  }
  for (const orphan of left) signalEach(processTree(orphan.pid).reverse(), 'SIGKILL')
  rmSync(path, { force: true })
  return left.map((orphan) => orphan.instance)
}
