/** The log files of a folder: `<instance>.log`, as a supervisor writes them. Nothing is kept of them here. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BackwardLog } from './log-file.ts'
import type { LogSource } from './search.ts'

/** Of one folder. */
export const filesMax = 200

/** @param directory undefined: there are none
 * @param asked whose files alone, and up to when they need be read */
export async function logSources(
  directory: string | undefined,
  { instance, toMs }: { readonly instance: string | undefined; readonly toMs: number },
): Promise<LogSource[]> {
  let paths: string[]
  try {
    paths = await logFiles(directory)
  } catch (error) {
    return [unreadable(`the folder of logs: ${(error as NodeJS.ErrnoException).code}`)]
  }
  return paths
    .filter((path) => instance === undefined || path.endsWith(`/${instance}.log`))
    .map((path) => new BackwardLog(path, toMs))
}

const unreadable = (fault: string): LogSource => ({
  bytesRead: 0,
  fault,
  next: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
})

/** The log files in the directory, as paths; none when there is no directory. */
export async function logFiles(directory: string | undefined): Promise<string[]> {
  if (directory === undefined) return []
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => name.endsWith('.log'))
    .sort()
    .slice(0, filesMax)
    .map((name) => join(directory, name))
}
