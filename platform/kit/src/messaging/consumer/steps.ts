/** The smallest steps of handling, each replaceable: breakable.ts wraps them where a checker kills or breaks rules. */
import type { Held, Message, Tx } from '../../api.ts'
import { type Claim, claim, claimAhead, claimTogether } from '../inbox.ts'
import type { Work } from './work.ts'

export interface Steps {
  /** As if none of them was claimed before: undefined when it is known already that all are this consumer's. */
  claimAhead(tx: Tx, consumer: string, works: readonly Work[]): Promise<Held<unknown> | undefined>
  claim(tx: Tx, consumer: string, work: Work): Promise<Claim>
  claimTogether(tx: Tx, consumer: string, works: readonly Work[]): Promise<ReadonlyMap<string, Claim>>
  handle(work: Work, attempt: number, tx: Tx | undefined): Promise<void>
  /** The effect of a record is committed, its offset is not. */
  settled(work: Work): void
}

/** The steps as they are. */
export const steps: Steps = {
  claimAhead: (tx, consumer, works) =>
    claimAhead(tx, consumer, [...new Map(works.map(({ event }) => [event.id, event])).values()]),
  claim: (tx, consumer, { event, replayed }) => claim(tx, { consumer, id: event.id, type: event.type, replayed }),
  claimTogether: (tx, consumer, works) =>
    claimTogether(
      tx,
      consumer,
      works.map(({ event }) => event),
    ),
  handle: ({ handler, event, record }, attempt, tx) => handler(messageOf(event, record, attempt), tx),
  settled: () => undefined,
}

const messageOf = (event: Work['event'], record: Work['record'], attempt: number): Message => ({
  id: event.id,
  type: event.type,
  topic: record.topic,
  key: record.key,
  subject: event.subject,
  source: event.source,
  time: event.time,
  data: event.data,
  attempt,
})
