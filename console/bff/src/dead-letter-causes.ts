/** Dead letters by what they have in common: hundreds of them usually have one reason. Pure. */
import type { ListedLetter } from '@svyaz/kit/operator'
import type { DeadLetterCause } from '../../protocol.ts'
import { limits } from './limits.ts'

/** An error without ids and numbers, which differ from one letter to the next. */
export const causeOf = (error: string): string =>
  error
    .split('\n', 1)
    .join('')
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '…')
    .replace(/\b\w*\d{3,}\w*\b/g, '…')
    .slice(0, 300)

/**
 * Groups letters by topic, consumer, type of event and cause.
 * @param letters the oldest first
 * @returns those with something outstanding first, then by the newest failure
 */
export function causesOf(letters: readonly ListedLetter[]): DeadLetterCause[] {
  const groups = Map.groupBy(letters, ({ topic, consumer, type, error }) =>
    JSON.stringify([topic, consumer, type ?? '', causeOf(error)]),
  )
  return [...groups.values()].map(causeOfGroup).sort(byUrgency)
}

function causeOfGroup(letters: readonly ListedLetter[]): DeadLetterCause {
  const newest = letters.at(-1) as ListedLetter
  const outstanding = letters.filter(({ state }) => state === 'outstanding')
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(newest.traceparent ?? '')?.[1]
  return {
    topic: newest.topic,
    consumer: newest.consumer,
    type: newest.type ?? '',
    cause: causeOf(newest.error),
    error: newest.error,
    letters: letters.length,
    outstanding: outstanding.length,
    firstAt: letters[0]?.failedAt ?? newest.failedAt,
    lastAt: newest.failedAt,
    ids: outstanding.flatMap(({ id }) => (id === undefined ? [] : [id])).slice(0, limits.replayedMax),
    ...(traceId === undefined ? {} : { traceId }),
  }
}

const byUrgency = (a: DeadLetterCause, b: DeadLetterCause): number =>
  Number(b.outstanding > 0) - Number(a.outstanding > 0) || (a.lastAt < b.lastAt ? 1 : a.lastAt > b.lastAt ? -1 : 0)
