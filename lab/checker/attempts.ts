/** History → what each client may rightly claim about its order: pure. */

import type { Attempt, RestockFact } from '@svyaz/observe/snapshot.ts'
import type { HistoryEntry } from './history.ts'

/**
 * One attempt per answer that carried an order; without one, a refusal when every answer to this key was a definite
 * refusal, else "no answer", which may have happened.
 *
 * @param userIds user id by the name of its process in the history
 */
export const attemptsOf = (history: readonly HistoryEntry[], userIds: ReadonlyMap<string, string>): Attempt[] => {
  const places = history.filter((entry) => entry.f === 'createOrder')
  const bySlot = Map.groupBy(places, (entry) => `${entry.process} ${entry.key}`)
  return [...bySlot.values()].flatMap((entries): Attempt[] => {
    const { process, key } = entries[0]!
    const slot = { userId: userIds.get(process) ?? process, key }
    const accepted = entries
      .filter((entry) => entry.type === 'ok')
      .map((entry) => ({ ...slot, orderId: answer(entry).id }))
    if (accepted.length > 0) return accepted
    const invoked = entries.filter((entry) => entry.type === 'invoke').length
    const refusals = entries.filter((entry) => entry.type === 'fail')
    return refusals.length === invoked ? [{ ...slot, refused: answer(refusals.at(-1)!).code }] : [slot]
  })
}

const answer = (entry: HistoryEntry) => entry.response as { id: string; code: string }

/** One restock per key: answered, or unanswered where it may have happened; those that were refused at every try are left out. */
export const restocksOf = (history: readonly HistoryEntry[]): (RestockFact & { key: string })[] => {
  const byKey = Map.groupBy(
    history.filter(({ f }) => f === 'restock'),
    ({ key }) => key,
  )
  return [...byKey].flatMap(([key, entries]) => {
    const { productId, quantity } = entries[0]!.request as RestockFact
    const restock = { productId, quantity, key }
    const count = (wanted: HistoryEntry['type']) => entries.filter(({ type }) => type === wanted).length
    if (count('ok') > 0) return [restock]
    return count('fail') === count('invoke') ? [] : [{ ...restock, unanswered: true as const }]
  })
}
