/** One try of one record: claim, then handle, in one transaction, inside a span. */
import type { Span } from '../../api.ts'
import { classify } from '../decide.ts'
import type { Steps } from './steps.ts'
import type { ConsumerContext, Outcome, Work } from './work.ts'

export type Attempt = (work: Work, attempt: number) => Promise<Outcome>

/** Rejects with whatever the handler or the database threw. */
export function createAttempt(context: ConsumerContext, steps: Steps): Attempt {
  const claimed = async (work: Work, attempt: number): Promise<Outcome> => {
    if (!work.database) {
      await steps.handle(work, attempt, undefined)
      return 'done'
    }
    return work.database.transaction(async (tx) => {
      const claim = work.claimed ? await steps.claim(tx, context.group, work) : 'claimed'
      if (claim !== 'claimed') return claim
      await steps.handle(work, attempt, tx)
      return 'done'
    })
  }
  return (work, attempt) =>
    spanOf(context, work, attempt, async (span) => {
      try {
        const outcome = await claimed(work, attempt)
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
