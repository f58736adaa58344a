/**
 * One process per directory: a file `lock` that names its owner. Node offers no kernel lock, so an owner that was killed
 * leaves the file behind, and the next one must be able to tell: a process id alone says nothing in a container, where
 * every start is process 1. The start time of the process and the boot id make it unique on Linux; elsewhere the id has
 * to do. Several processes that find a stale lock are kept apart by a directory, since making one is atomic.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readlink, rename, rm, rmdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Another live process has the directory open. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse'
  readonly retriable = false
}

interface Owner {
  readonly pid: number
  readonly host: string
  /** Kernel boot, process id namespace and start time in clock ticks; empty where they can't be told. */
  readonly boot: string
  readonly pidNamespace: string
  readonly startTicks: string
  /** Tells two locks of one process apart. */
  readonly token: string
}

/** A take-over that is older than this was itself interrupted. */
const TAKE_OVER_STALE_MS = 10_000

/**
 * Takes the directory, and makes it when it is missing. Throws DirectoryInUse while its owner lives, or when that can't be told because
 * the owner belongs to another container of this boot. Gives the way to release it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'lock')
  const self = await describeSelf()
  if (!(await createLock(path, self))) await takeOver(directory, path, self)
  return async () => {
    const owner = await readOwner(path)
    if (owner?.token === self.token) await rm(path, { force: true })
  }
}

async function createLock(path: string, self: Owner): Promise<boolean> {
  // Written aside and linked by rename only in take-over; here an exclusive create decides who is first.
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(self)}\n`)
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function takeOver(directory: string, path: string, self: Owner): Promise<void> {
  const guard = join(directory, 'lock.taking-over')
  await assertStale(path, directory)
  await mkdir(guard).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    // One that is far in the future is from before the clock was set back, and no younger for that.
    const age = Math.abs(Date.now() - (await stat(guard)).mtimeMs)
    if (age < TAKE_OVER_STALE_MS) throw new DirectoryInUse(`${directory} is being taken over by another process`)
    await rmdir(guard)
    await mkdir(guard)
  })
  try {
    await assertStale(path, directory)
    const aside = join(guard, self.token)
    if (!(await createLock(aside, self))) throw new DirectoryInUse(`${directory} is being taken over`)
    await rename(aside, path)
  } finally {
    await rmdir(guard)
  }
}

async function assertStale(path: string, directory: string): Promise<void> {
  const owner = await readOwner(path)
  if (owner === null) return
  const self = await describeSelf()
  if (owner.host === self.host || (owner.boot !== '' && owner.boot === self.boot)) {
    if (owner.boot !== self.boot) return
    if (owner.pidNamespace === self.pidNamespace) {
      if (!isAlive(owner.pid)) return
      if (owner.startTicks !== (await startTicks(owner.pid))) return
      throw new DirectoryInUse(`${directory} is in use by process ${owner.pid} (see ${path})`)
    }
  }
  throw new DirectoryInUse(
    `${directory} belongs to process ${owner.pid} of host ${owner.host}, which can't be seen from here; ` +
      `if that host or container is gone, remove ${path}`,
  )
}

/** null for a missing or half-written file: its writer was killed before it owned anything. */
async function readOwner(path: string): Promise<Owner | null> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Owner
    return typeof owner.pid === 'number' ? owner : null
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function describeSelf(): Promise<Owner> {
  return {
    pid: process.pid,
    host: hostname(),
    boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim(),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    startTicks: await startTicks(process.pid),
    token: randomUUID(),
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/<pid>/stat; the command name before it may hold spaces and parentheses. */
async function startTicks(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
