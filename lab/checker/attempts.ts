/** History → what each client may rightly claim about its order: pure. */

import type { Attempt } from '@svyaz/observe/snapshot.ts'
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

/** Restocks that were answered; one that was not may have happened, and is added when the stock shows it. */
export const restocksOf = (
  history: readonly HistoryEntry[],
): { productId: string; quantity: number; key: string }[] => {
  const answered = new Map<string, { productId: string; quantity: number; key: string }>()
  for (const { f, type, key, request } of history)
    if (f === 'restock' && type === 'ok')
      answered.set(key, { ...(request as { productId: string; quantity: number }), key })
  return [...answered.values()]
}
