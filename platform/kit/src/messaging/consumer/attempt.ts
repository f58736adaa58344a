/** One try of one record: claim and handle, in one transaction, inside a span. */
import type { Database, Held, Span } from '../../api.ts'
import { classify } from '../decide.ts'
import { hearClaim } from '../inbox.ts'
import type { Steps } from './steps.ts'
import type { ConsumerContext, Outcome, Work } from './work.ts'

export type Attempt = (work: Work, attempt: number) => Promise<Outcome>

/** Rejects with whatever the handler or the database threw. */
export function createAttempt(context: ConsumerContext, steps: Steps): Attempt {
  const attempted = async (work: Work, attempt: number): Promise<Outcome> => {
    const { database } = work
    if (!database) {
      await steps.handle(work, attempt, undefined)
      return 'done'
    }
    // A replay is claimed from the dead letters, which has to be asked.
    if (work.claimed && !work.replayed && (await claimedAhead(database, work, attempt))) return 'done'
    return database.transaction(async (tx) => {
      const claim = work.claimed ? await steps.claim(tx, context.group, work) : 'claimed'
      if (claim !== 'claimed') return claim
      await steps.handle(work, attempt, tx)
      return 'done'
    })
  }

  /** Handled as if the claim held. False: it did not, or nobody knows; nothing of it happened. */
  const claimedAhead = async (database: Database, work: Work, attempt: number): Promise<boolean> => {
    let claim: Held<unknown> | undefined
    try {
      await database.transaction(async (tx) => {
        claim = await steps.claimAhead(tx, context.group, [work])
        try {
          await steps.handle(work, attempt, tx)
        } catch (error) {
          if (claim) await hearClaim(tx, claim)
          throw error
        }
      })
      return true
    } catch (error) {
      if (claim !== undefined && claim.state !== 'answered') return false
      throw error
    }
  }

  return (work, attempt) =>
    spanOf(context, work, attempt, async (span) => {
      try {
        const outcome = await attempted(work, attempt)
        span.set('svyaz.outcome', outcome)
        span.set('svyaz.deduplicated', outcome === 'duplicate')
        if (outcome !== 'dead') context.metrics.handled(work.event.type, outcome)
        return outcome
      } catch (error) {
        span.set('svyaz.outcome', classify(error))
        throw error
      }
    })
}

/** Runs `run` inside the record's span, a child of the one that published it. */
export function spanOf<T>(
  { core, group, system }: ConsumerContext,
  { record, event }: Work,
  attempt: number,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const parent = event.traceparent
  return core.tracer.span(
    `handle ${event.type}`,
    {
      kind: 'consumer',
      ...(parent === undefined ? { root: true as const } : { parent, links: [parent] }),
      attributes: {
        'messaging.system': system,
        'messaging.operation.type': 'process',
        'messaging.destination.name': record.topic,
        'messaging.consumer.group.name': group,
        'messaging.message.id': event.id,
        'svyaz.event.type': event.type,
        'svyaz.attempt': attempt,
        ...(record.place
          ? {
              'messaging.destination.partition.id': String(record.place.partition),
              'messaging.kafka.offset': Number(record.place.offset),
            }
          : {}),
      },
    },
    run,
  )
}
