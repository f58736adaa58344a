/** What the processes wrote about things that a run must have seen at least once. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { System } from '@svyaz/system/testing'

/** Counts over the whole log of every instance, rotated files left out. */
export function countLogs(system: System): { staleResultsRefused: number } {
  const text = system.instances().map(({ log }) => {
    try {
      return readFileSync(log, 'utf8')
    } catch {
      return ''
    }
  })
  const count = (pattern: RegExp) => text.reduce((sum, one) => sum + (one.match(pattern)?.length ?? 0), 0)
  return {
    staleResultsRefused: count(/the lease was lost: /g),
  }
}

/** The logs outlive the system's folder. */
export function keepLogs(system: System, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const { log } of system.instances()) cpSync(log, join(folder, basename(log)), { force: true })
}
