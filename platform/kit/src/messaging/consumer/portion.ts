/** The records that a partition has waiting, in their order: together where they may be, else one by one. */
import type { IncomingRecord, RecordHandling } from '../transport.ts'
import type { GiveUp } from './give-up.ts'
import { isGroupable, type Together } from './group.ts'
import type { Read } from './read.ts'
import type { Settle } from './retry.ts'
import type { ConsumerContext } from './work.ts'

/**
 * Locks are held, and work is repeated after a kill, for as many as these at most. What waits is taken at once: a record
 * at low load has no company and waits for none.
 */
export const groupRecordsMax = 32

/** Resolves when all of them are settled; rejects when the signal is aborted before. */
export function createPortions(
  { core, group, metrics }: ConsumerContext,
  steps: { read(record: IncomingRecord): Read; together: Together; settle: Settle; giveUp: GiveUp },
): RecordHandling {
  const pass = (read: Read) => {
    if (read.do === 'pass') metrics.handled(read.type, read.why)
  }
  const alone = async (read: Read, signal: AbortSignal): Promise<void> => {
    if (read.do === 'handle') return steps.settle(read.work, signal)
    if (read.do === 'pass') return pass(read)
    core.log.error({ group, topic: read.record.topic, reason: read.broken }, 'a record breaks its contract')
    await steps.giveUp(read.record, { error: read.broken, attempts: 1 }, signal)
  }
  return {
    recordsMax: groupRecordsMax,
    async together(records, signal, finished) {
      const reads = records.map(steps.read)
      while (reads.length > 0) {
        const run = reads.splice(0, runLength(reads))
        const works = run.flatMap((read) => (read.do === 'handle' ? [read.work] : []))
        for (const { event } of works) metrics.received(event)
        if (works.length > 1 && (await steps.together(works, signal))) {
          run.forEach(pass)
          finished(run.length)
          continue
        }
        for (const read of run) {
          signal.throwIfAborted()
          await alone(read, signal)
          finished(1)
        }
      }
    },
  }
}

/** How many of the first ones may be committed together; one at least. */
function runLength(reads: readonly Read[]): number {
  const end = reads.findIndex((read) => read.do === 'bury' || (read.do === 'handle' && !isGroupable(read.work)))
  return end === -1 ? reads.length : Math.max(end, 1)
}
