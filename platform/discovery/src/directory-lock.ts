/**
 * One process per data directory. The lock is a file with the owner's pid and, where the system tells it, the moment at
 * which that process started: a pid that was given to another process after a crash does not count.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

interface Owner {
  readonly pid: number
  readonly startTicks: string
}

/** @throws Error naming the other process while one holds the directory */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'lock.json')
  const owner: Owner = { pid: process.pid, startTicks: await startTicksOf(process.pid) }
  for (let attempt = 1; ; attempt++) {
    try {
      await using file = await open(path, 'wx', 0o600)
      await file.writeFile(JSON.stringify(owner))
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error
    }
    const other = await readOwner(path)
    if (other !== null && (await isAlive(other))) {
      throw new Error(`the data directory ${directory} is in use by process ${other.pid}`)
    }
    await rm(path, { force: true })
  }
}

async function readOwner(path: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner
  } catch {
    // Gone meanwhile, or cut off by a crash while it was written.
    return null
  }
}

async function isAlive({ pid, startTicks }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return startTicks === (await startTicksOf(pid))
}

/** Field 22 of /proc/<pid>/stat (proc(5)); empty where there is no /proc. The name in field 2 may hold spaces. */
async function startTicksOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
