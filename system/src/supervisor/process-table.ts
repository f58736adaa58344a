/**
 * What the kernel says about processes. On Linux from /proc; elsewhere `ps` answers what it can. A process id alone
 * names nothing for long, ids are reused: an identity is the id with the time at which the process started.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal for the same process only. */
  readonly startedAt: string
}

/** Identity of a live process; undefined when there is none with this id (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return identifyWithPs(pid)
  const stat = readStat(pid)
  return stat && stat.state !== 'Z' && stat.state !== 'X' ? { pid, startedAt: stat.startTicks } : undefined
}

/** Whether that very process runs, and not another that got its number. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** Ids of a process and of all below it, parents first. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const { pid, parent } of allProcesses()) {
    const siblings = children.get(parent)
    if (siblings) siblings.push(pid)
    else children.set(parent, [pid])
  }
  const tree = [root]
  for (let at = 0; at < tree.length; at += 1) tree.push(...(children.get(tree[at] ?? -1) ?? []))
  return tree
}

/** Sends a signal to each process that is still there; a missing one is not an error. */
export function signalEach(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

export interface Usage {
  /** Proportional set size: shared pages divided among those who share them. Undefined where the kernel won't say. */
  readonly pssBytes: number | undefined
  readonly cpuMs: number
}

/** Processor time that a process has taken so far; 0 where there is no /proc. */
export const cpuMsOf = (pid: number): number => readStat(pid)?.cpuMs ?? 0

/**
 * Memory and processor time of a process and, unless it is wanted alone, all below it: also of those that ended, since a
 * parent has the time of the children it waited for. PostgreSQL ends a backend whose connection was closed.
 */
export function usageOfTree(root: number, alone = false): Usage {
  const pids = alone || process.platform !== 'linux' ? [root] : processTree(root)
  let pssBytes: number | undefined
  let cpuMs = 0
  for (const pid of pids) {
    const pss = pssOf(pid)
    if (pss !== undefined) pssBytes = (pssBytes ?? 0) + pss
    const stat = readStat(pid)
    cpuMs += (stat?.cpuMs ?? 0) + (alone ? 0 : (stat?.endedChildrenCpuMs ?? 0))
  }
  return { pssBytes, cpuMs }
}

function pssOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/smaps_rollup`)
  const kilobytes = text?.match(/^Pss:\s+(\d+) kB/m)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

interface Stat {
  readonly state: string
  readonly parent: number
  readonly cpuMs: number
  /** Of the children that ended and were waited for, and of theirs. */
  readonly endedChildrenCpuMs: number
  readonly startTicks: string
}

/** Fields of proc_pid_stat(5). The command in brackets may hold spaces and brackets: count from the last one. */
function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (!text) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = '?', parent = '0'] = fields
  const msOf = (user: number, system: number) =>
    ((Number(fields[user] ?? 0) + Number(fields[system] ?? 0)) * 1000) / ticksPerSecond
  return {
    state,
    parent: Number(parent),
    cpuMs: msOf(11, 12),
    endedChildrenCpuMs: msOf(13, 14),
    startTicks: fields[19] ?? '',
  }
}

function allProcesses(): { pid: number; parent: number }[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc').flatMap((name) => {
      const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
      return stat ? [{ pid: Number(name), parent: stat.parent }] : []
    })
  }
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }))
}

function identifyWithPs(pid: number): ProcessIdentity | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const [, state, startedAt] = stdout.trim().match(/^(\S+)\s+(.+)$/) ?? []
  return state && startedAt && !state.startsWith('Z') ? { pid, startedAt } : undefined
}

/** A file of /proc; undefined when its process is gone or belongs to somebody else. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
