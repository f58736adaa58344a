/** What is judged of a cluster and its copy, in which a record may come twice: at least once is all that MirrorMaker promises. Pure. */
import type { End, TopicRecord } from '@svyaz/observe/topics.ts'

/** @returns for each partition that has fewer records in the copy, which and how many: `orders.events/2: 3` */
export function lacking(from: readonly End[], copy: readonly End[]): string[] {
  const placeOf = ({ topic, partition }: End) => `${topic}/${partition}`
  const ends = new Map(copy.map((one) => [placeOf(one), one.end]))
  return from.flatMap((one) => {
    const missing = one.end - (ends.get(placeOf(one)) ?? 0)
    // Negative: some came twice. That is of this partition alone, and makes up for nothing in another.
    return missing <= 0 ? [] : [`${placeOf(one)}: ${missing}`]
  })
}

/**
 * Each step of an order is one event, however many records it is in: two events of one step are a step that was taken twice.
 *
 * @param steps types of events that each of the orders must have
 * @returns which order has how many events of which step, where that isn't one
 */
export function notOnce(
  records: readonly Pick<TopicRecord, 'id' | 'key' | 'type'>[],
  orders: readonly string[],
  steps: readonly string[],
): string[] {
  const events = Map.groupBy(records, ({ key, type }) => `${key} ${type}`)
  return orders.flatMap((order) =>
    steps.flatMap((step) => {
      const count = new Set(events.get(`${order} ${step}`)?.map(({ id }) => id)).size
      return count === 1 ? [] : [`${order}: ${count} events ${step}`]
    }),
  )
}
