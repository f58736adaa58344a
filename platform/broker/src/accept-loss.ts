/** `--accept-loss`: mends a data directory whose broker doesn't run, says what was lost, and ends. */
import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultLimits } from './limits.ts'
import { dryFileSystem } from './log/dry-file-system.ts'
import { DamagedLog } from './log/errors.ts'
import type { Loss } from './log/log.ts'
import { openLog } from './log/open.ts'
import { LogPaths } from './log/paths.ts'
import { realFileSystem } from './log/real-file-system.ts'
import { recover } from './log/recovery.ts'
import { Topics } from './topics/topics.ts'

/**
 * Opens the log of a directory with what is left of it and stores that as its new state. Gives a line for each loss,
 * none when nothing was wrong. Rejects as openLog does: with DirectoryInUse while a broker runs, with DamagedLog when the
 * checkpoint itself is damaged or missing, without which nothing is known.
 */
export async function acceptLoss(directory: string): Promise<string[]> {
  // A mistyped path must not become an empty log.
  await access(join(directory, 'checkpoint'))
  const losses: Loss[] = []
  const onFatal = (error: Error) => {
    throw error
  }
  await using log = await openLog({ directory, onFatal, acceptLoss: (loss) => losses.push(loss) })
  const topics = new Topics(log, { ...defaultLimits, defaultPartitions: 1 }, randomUUID)
  // Behind the archiving, which started at once: from here on no damaged file is needed.
  await log.checkpoint()
  return losses.map((loss) => lineOf(loss, (topicId) => topics.byId(topicId)?.name ?? topicId))
}

/**
 * What `acceptLoss` would print for a directory that no broker uses; changes nothing. Reads all of the data. Topics are
 * given by their ids. A directory without a log has nothing to lose.
 */
export async function findLoss(directory: string): Promise<string[]> {
  const fs = dryFileSystem(realFileSystem)
  if ((await fs.list(directory)).length === 0) return []
  const losses: Loss[] = []
  try {
    const recovered = await recover(fs, new LogPaths(directory), (loss) => losses.push(loss), 1 << 20)
    for (const segment of recovered.segments) await segment.file.close()
    await recovered.mark.close()
  } catch (error) {
    if (!(error instanceof DamagedLog)) throw error
    return [error.message]
  }
  return losses.map((loss) => lineOf(loss, (topicId) => topicId))
}

function lineOf({ file, position, what, records }: Loss, nameOf: (topicId: string) => string): string {
  const place = position === null ? file : `${file}, byte ${position}`
  if (records === undefined) return `${place}: ${what}`
  const { topicId, partition, first, last } = records
  return `${place}: ${what}: ${nameOf(topicId)}/${partition}, offsets ${first}..${last} are lost`
}
