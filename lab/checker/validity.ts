/** A run is invalid, not passed, unless its faults visibly happened and the machinery against them was visibly used. */
import type { Evidence } from './evidence.ts'

/** Reasons why the run proves less than it claims; empty = valid. */
export const whyInvalid = ({ faults, snapshot, log, unread, poison, counters, load }: Evidence): string[] => {
  const reasons = faults
    .filter((fault) => !fault.fired)
    .map(({ name, target, note }) => `${name} of ${target} did not fire${note ? `: ${note}` : ''}`)
  // Whatever is missed behind this place may be there.
  reasons.push(...unread.map((place) => `the checker did not read the whole log: ${place}`))
  if (load.placed < load.asked * load.seconds * 0.95 - 1)
    reasons.push(`only ${(load.placed / load.seconds).toFixed(1)} of ${load.asked} orders a second were placed`)
  if (snapshot.orders.length === 0) reasons.push('no order was accepted')
  if (counters.idempotentReplays === 0) reasons.push('no Idempotency-Key was answered a second time')
  if (!snapshot.orders.some((order) => order.status === 'cancelled')) reasons.push('no saga was compensated')
  if (
    log.some(({ type }) => type === 'user.blocked') &&
    !log.some(({ topic, data }) => topic === 'orders.events' && data?.reason === 'user_blocked')
  )
    reasons.push('no order was open when its user was blocked')
  if (faults.some(({ name }) => name.includes('outbox.after-send')) && counters.recordsTwice === 0)
    reasons.push('nothing was ever sent twice, so nothing had to be told apart')
  if (faults.some(({ name }) => name === 'pause beyond its lease') && counters.staleResultsRefused === 0)
    reasons.push('no worker ever came too late with what it had leased')
  for (const id of poison)
    if (!log.some((record) => record.topic.endsWith('.dlq') && record.eventId === id))
      reasons.push(`poison ${id} never became a dead letter`)
  return reasons
}
