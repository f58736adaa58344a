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

/**
 * Which processes run, for the next supervisor should this one be killed. A full disk doesn't stop a supervisor: its
 * record is then older than the truth, and written with the next change.
 */
export class ChildrenRecord {
  readonly #path: string
  readonly #note: (text: string) => void
  #written: string | undefined
  #isBehind = false

  /** `note` is told of the first of several failures in a row. */
  constructor(path: string, note: (text: string) => void) {
    this.#path = path
    this.#note = note
  }

  /** Writes when something differs from what was written last; a change of readiness, say, needs no disk. */
  keep(children: readonly ChildRecord[]): void {
    const text = JSON.stringify(children)
    if (text === this.#written) {
      this.#isBehind = false
      return
    }
    try {
      if (children.length === 0) rmSync(this.#path, { force: true })
      else writeJson(this.#path, children)
      this.#written = text
      this.#isBehind = false
    } catch (error) {
      if (!this.#isBehind) {
        const reason = error instanceof Error ? error.message : String(error)
        this.#note(`can't write down which processes run (${reason}): tried again with the next change`)
      }
      this.#isBehind = true
    }
  }
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
