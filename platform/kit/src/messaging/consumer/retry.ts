/** One record until it is settled: tries, with waits between them, or given up (reliability rule 1). */
import { afterFailure, classify, type Tries } from '../decide.ts'
import type { Slots } from '../slots.ts'
import type { Attempt } from './attempt.ts'
import type { GiveUp } from './give-up.ts'
import { type ConsumerContext, told, type Work } from './work.ts'

const attemptsMaxDefault = 5

/**
 * Rejects only when the signal is aborted: whoever gets the partition next begins with a first try.
 * @param tried is called when the first try failed: what follows may take long
 */
export type Settle = (work: Work, signal: AbortSignal, tried?: () => void) => Promise<void>

/** @param parts.slotsOf bounds what runs at once; a record that waits for its next try holds none */
export function createRetries(
  { core, group, metrics }: ConsumerContext,
  parts: { attempt: Attempt; settled(work: Work): void; giveUp: GiveUp; slotsOf(work: Work): Slots },
): Settle {
  return async (work, signal, tried) => {
    const attemptsMax = work.subscription.attemptsMax ?? attemptsMaxDefault
    for (let tries: Tries = { counted: 0, waits: 0 }; ; ) {
      signal.throwIfAborted()
      try {
        const outcome = await parts.slotsOf(work).use(() => {
          // The partition may have been given up while this waited in line.
          signal.throwIfAborted()
          return parts.attempt(work, tries.counted + 1)
        })
        if (outcome === 'dead') {
          await parts.giveUp(work.record, { work, error: 'given up before a restart', attempts: 0 }, signal)
        }
        return parts.settled(work)
      } catch (error) {
        if (signal.aborted) throw error
        tried?.()
        const kind = classify(error)
        metrics.handled(work.event.type, kind)
        const next = afterFailure(kind, tries, attemptsMax, core.random)
        const about = { group, topic: work.record.topic, type: work.event.type, id: work.event.id, error: told(error) }
        if (next.do === 'give up') {
          core.log.error({ ...about, attempts: next.tries.counted }, 'giving an event up')
          return await parts.giveUp(work.record, { work, error, attempts: next.tries.counted }, signal)
        }
        // One line when a wait begins; an outage must not flood the log.
        if (next.do === 'repeat' || next.tries.waits === 1)
          core.log.warn({ ...about, next: next.do }, 'a handler failed')
        tries = next.tries
        await core.clock.delay(next.delayMs, signal)
      }
    }
  }
}
