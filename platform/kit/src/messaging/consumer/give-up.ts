/** Last step of a record that cannot be handled: closed in the inbox, then sent to the dead letters. */
import { toDeadLetter } from '../dead-letter.ts'
import { afterFailure, type Tries } from '../decide.ts'
import { bury } from '../inbox.ts'
import type { IncomingRecord, OutgoingRecord } from '../transport.ts'
import { type ConsumerContext, told, type Work } from './work.ts'

/** @param failure without `work` when the record could not even be read */
export type GiveUp = (
  record: IncomingRecord,
  failure: { work?: Work; error: unknown; attempts: number },
  signal: AbortSignal,
) => Promise<void>

/** Waits without limit for database and broker: a record is never acknowledged before its dead letter is safe. */
export function createGiveUp(
  { core, group, metrics }: ConsumerContext,
  send: (records: readonly OutgoingRecord[]) => Promise<unknown>,
): GiveUp {
  return async (record, { work, error, attempts }, signal) => {
    const letter = toDeadLetter(record, { consumer: group, error: told(error), attempts, at: core.clock.iso() })
    for (let tries: Tries = { counted: 0, waits: 0 }; ; ) {
      signal.throwIfAborted()
      try {
        if (work?.claimed && work.database) {
          const buried = await bury(work.database, { consumer: group, id: work.event.id, type: work.event.type })
          // Another instance got it done meanwhile: then there is nothing to send.
          if (buried === 'done before') return
        }
        await send([letter])
        metrics.buried(record.topic, work?.event.type ?? 'broken')
        return
      } catch (failure) {
        const next = afterFailure('transient', tries, 1, core.random)
        if (next.tries.waits === 1) core.log.warn({ group, error: told(failure) }, 'cannot send a dead letter for now')
        tries = next.tries
        await core.clock.delay('delayMs' in next ? next.delayMs : 0, signal)
      }
    }
  }
}
