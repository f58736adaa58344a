/** Memory of every process of a running system, as the kernel counts it (proc_pid_smaps(5)); Linux only. */
import { readFileSync } from 'node:fs'
import type { System } from '@svyaz/system/testing'
import { usageOfTree } from '@svyaz/system/usage'

export interface MemorySample {
  /** Instance. */
  readonly process: string
  readonly pid: number
  /** Since the start of the run. */
  readonly atMs: number
  /** Of the process. */
  readonly ageMs: number
  readonly pssBytes: number
  /** Of the process alone, without an engine's children. */
  readonly rssBytes: number
}

/** One sample of each process that runs and that the kernel reports. */
export function sampleMemory(system: System, atMs: number): MemorySample[] {
  return system.instances().flatMap(({ name, pid, kind, startedAt }) => {
    if (pid === undefined) return []
    const pssBytes = usageOfTree(pid, kind !== 'engine').pssBytes
    if (pssBytes === undefined) return []
    const ageMs = startedAt === undefined ? 0 : Date.now() - Date.parse(startedAt)
    return [{ process: name, pid, atMs, ageMs, pssBytes, rssBytes: rssOf(pid) }]
  })
}

function rssOf(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Megabytes by process. */
export const pssMb = (samples: readonly MemorySample[]): Record<string, number> =>
  Object.fromEntries(samples.map(({ process, pssBytes }) => [process, Math.round(pssBytes / 1024 ** 2)]))
