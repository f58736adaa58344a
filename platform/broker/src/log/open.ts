import type { Log, LogOptions } from './log.ts'

/** Opens (or creates) the log of a directory. In work: the interface is fixed, the implementation follows. */
export async function openLog(_options: LogOptions): Promise<Log> {
  throw new Error('not implemented yet')
}
