/**
 * What an earlier start left behind. A supervisor that died at the wrong moment leaves `postmaster.pid`,
 * sometimes with a live server behind it, and its process id may by now be somebody else's.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf, PostgresError } from './errors.ts'

/** `postmaster.pid`: one value a line (PostgreSQL, src/include/utils/pidfile.h). */
export interface PostmasterFile {
  pid: number
  port: number | undefined
  status: string
}

/** Reads `postmaster.pid`; undefined when it isn't one. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  // A standalone backend writes its id negated; it holds the directory all the same.
  const pid = Math.abs(Number(lines[0]))
  if (!Number.isInteger(pid) || pid === 0) return undefined
  return { pid, port: lines[3] ? Number(lines[3]) : undefined, status: lines[7] ?? '' }
}

/** The `postmaster.pid` of a data directory, if there is one. */
export function readPostmasterFile(dataDirectory: string): PostmasterFile | undefined {
  try {
    return parsePostmasterFile(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Makes the data directory free for a new server: refuses while its owner lives, otherwise stops a server
 * that lost its owner.
 *
 * @throws PostgresError when another living supervisor owns the place, or the old server doesn't end.
 */
export async function clearPredecessor(where: string, dataDirectory: string): Promise<void> {
  const owner = readOwner(where)
  if (owner && owner.pid !== process.pid && isSameProcess(owner)) {
    throw new PostgresError(`the data in ${where} is in use by process ${owner.pid}`)
  }
  const left = readPostmasterFile(dataDirectory)
  if (!left || !isAlive(left.pid)) return
  if (isPostmasterOf(left.pid, dataDirectory)) await end(left.pid)
  else disownProcessId(dataDirectory)
}

/** Who runs the server now; read by {@link clearPredecessor} of the next start. */
export function recordOwner(where: string): void {
  const owner: Owner = { pid: process.pid, startedAt: startTimeOf(process.pid) }
  const file = join(where, 'owner.json')
  // Written to a new file and not over the old one, which may belong to root while the directory is ours.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(owner))
}

/** After an orderly stop: the process lives on and owns nothing. */
export function forgetOwner(where: string): void {
  rmSync(join(where, 'owner.json'), { force: true })
}

interface Owner {
  pid: number
  /** Tells a process from a later one with the same id; opaque. */
  startedAt: string
}

function readOwner(where: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(where, 'owner.json'), 'utf8')) as Owner
  } catch {
    // Absent, or half-written by a crash: nobody owns it in either case.
    return undefined
  }
}

function isSameProcess(owner: Owner): boolean {
  return isAlive(owner.pid) && startTimeOf(owner.pid) === owner.startedAt
}

/** Whether a process of this id exists and has not ended: a zombie has ended, though its id is still taken. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
  return processState(pid) !== 'Z'
}

function processState(pid: number): string {
  return statFields(pid)?.[0] ?? ''
}

/** Fields of /proc/<pid>/stat after the name, which may itself hold spaces and brackets (proc(5)). */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function startTimeOf(pid: number): string {
  const sinceBoot = statFields(pid)?.[19]
  return sinceBoot ?? ask(['-o', 'lstart=', '-p', String(pid)])
}

/** The postmaster's working directory is its data directory, which no other program's is by accident. */
function isPostmasterOf(pid: number, dataDirectory: string): boolean {
  if (existsSync('/proc/self/cwd')) {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDirectory)
    } catch {
      return false
    }
  }
  return ask(['-o', 'command=', '-p', String(pid)]).includes(dataDirectory)
}

function ask(args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

async function end(pid: number): Promise<void> {
  const steps = [
    { signal: 'SIGINT', patienceMs: 5_000 },
    { signal: 'SIGQUIT', patienceMs: 5_000 },
    { signal: 'SIGKILL', patienceMs: 2_000 },
  ] as const
  for (const { signal, patienceMs } of steps) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return
      throw new PostgresError(`an earlier PostgreSQL (process ${pid}) still runs and can't be stopped by this user`, {
        cause: error,
      })
    }
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      if (!isAlive(pid)) return
      await delay(20)
    }
  }
  throw new PostgresError(`an earlier PostgreSQL (process ${pid}) does not end`)
}

/**
 * The recorded id now belongs to a stranger, and PostgreSQL would refuse to start for its sake. The id is
 * replaced by one above every kernel's limit; the rest of the file stays, because the shared memory key in it
 * keeps a second server off a directory where old backends still run.
 */
function disownProcessId(dataDirectory: string): void {
  const file = join(dataDirectory, 'postmaster.pid')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^[^\n]*/, '2000000000'))
}
