/**
 * Where a checker may kill the process or break a rule: parts of messaging wrapped as messaging.ts and consumer.ts put
 * them together. Nothing happens at any of these places unless a variable of the environment names it.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type { Outbox, OutboxSource, OutgoingEvent, StoredEvent } from '../api.ts'
import type { Core } from '../core.ts'
import type { Steps } from './consumer/steps.ts'
import { toStoredEvent } from './outbox.ts'

/** A consumer's steps, with the crash points around the handler and the sabotage of the inbox. */
export const breakableSteps = (core: Core, steps: Steps): Steps => ({
  ...(core.environment.sabotage.has('skip-inbox') ? everythingClaimed : steps),
  handle(work, attempt, tx) {
    core.crashPoint('consumer.before-handler')
    return steps.handle(work, attempt, tx)
  },
  settled(work) {
    core.crashPoint('consumer.after-effect')
    steps.settled(work)
  },
})

const everythingClaimed: Pick<Steps, 'claimAhead' | 'claim' | 'claimTogether'> = {
  claimAhead: async () => undefined,
  claim: async () => 'claimed',
  claimTogether: async (_tx, _consumer, works) => new Map(works.map(({ event }) => [event.id, 'claimed'])),
}

/** What is called behind a commit that added events, with its crash point. */
export const breakableCommitted = (core: Core, committed: () => void) => (): void => {
  core.crashPoint('outbox.after-commit')
  committed()
}

/** A source of unsent events, with the crash point between their sending and their mark. */
export const breakableSource = (core: Core, source: OutboxSource): OutboxSource => ({
  pending: (eventsMax) => source.pending(eventsMax),
  markSent(events) {
    core.crashPoint('outbox.after-send')
    return source.markSent(events)
  },
  ...(source.markSentAndRead
    ? {
        markSentAndRead(sent: readonly StoredEvent[], eventsMax: number) {
          core.crashPoint('outbox.after-send')
          return source.markSentAndRead!(sent, eventsMax)
        },
      }
    : {}),
  ...(source.startOver ? { startOver: () => source.startOver!() } : {}),
  oldestAt: () => source.oldestAt(),
  ...(source.everyMs === undefined ? {} : { everyMs: source.everyMs }),
  ...(source.whileLeader ? { whileLeader: (signal, work) => source.whileLeader!(signal, work) } : {}),
})

/** The outbox; sabotaged, it sends at once what the transaction may still take back. */
export function breakableOutbox(
  core: Core,
  outbox: Outbox,
  writes: readonly Topic[],
  sendNow: (events: readonly StoredEvent[]) => Promise<unknown>,
): Outbox {
  if (!core.environment.sabotage.has('publish-before-commit')) return outbox
  const byName = new Map(writes.map((topic) => [topic.name, topic]))
  return {
    async add(_tx, ...events) {
      await sendNow(events.map((event) => toStoredEvent(core, byName, event as unknown as OutgoingEvent)))
      core.crashPoint('outbox.after-send')
    },
    wake: outbox.wake,
  }
}
