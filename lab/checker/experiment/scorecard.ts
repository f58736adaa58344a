/** What an experiment is judged by: the checker's invariants, over the orders that the experiment placed itself. Pure. */
import type { Concern, ExperimentCounts, FaultOutcome, Judgement, Scorecard } from '@svyaz/contracts/fault-lab.ts'
import type { Snapshot } from '@svyaz/observe/snapshot.ts'
import type { Evidence } from '../evidence.ts'
import { type InvariantId, invariants } from '../invariants.ts'
import { runInvariants } from '../run-invariants.ts'

/**
 * S2 is missing: others may restock and buy meanwhile. So is W1: nobody holds a WebSocket open here.
 */
const concerns = {
  O1: 'lost',
  X1: 'lost',
  E1: 'lost',
  O3: 'doubled',
  P1: 'doubled',
  O2: 'wrong',
  O4: 'wrong',
  P2: 'wrong',
  P3: 'wrong',
  S1: 'wrong',
  S3: 'wrong',
} as const satisfies Partial<Record<InvariantId, Concern>>

/** Events, frames and handled ids of the experiment's own orders. */
export type Effects = Pick<Evidence, 'log' | 'frames' | 'orders'>

const foundMax = 5

/** The part of a snapshot that is about the orders of these users; stock is everybody's. */
export function ownPart(whole: Snapshot, users: ReadonlySet<string>, ownEvents: ReadonlySet<string>): Snapshot {
  const orders = whole.orders.filter(({ userId }) => users.has(userId))
  // An order that was accepted and is gone is still one of its own.
  const accepted = whole.attempts.flatMap(({ orderId }) => orderId ?? [])
  const ids = new Set([...orders.map(({ id }) => id), ...accepted])
  return {
    ...whole,
    orders,
    events: whole.events.filter(({ orderId }) => ids.has(orderId)),
    payments: whole.payments.filter(({ orderId }) => ids.has(orderId)),
    ledger: whole.ledger.filter(({ key }) => ids.has(key.replace('charge:', ''))),
    reservations: whole.reservations.filter(({ orderId }) => ids.has(orderId)),
    mails: whole.mails.filter(({ messageId }) => ownEvents.has(messageId.slice(1).split('@')[0] ?? '')),
  }
}

/** Every invariant that holds for a part of the orders, with what breaks it. */
export function judge(own: Snapshot, effects: Effects): Judgement[] {
  const about = (id: string, promise: string, concern: Concern, breaches: Iterable<string>): Judgement => {
    const found = [...breaches]
    return { id, promise, concern, breaches: found.length, found: found.slice(0, foundMax) }
  }
  const ids = Object.keys(concerns) as (keyof typeof concerns)[]
  const ends = ids.map((id) => {
    const { promise, breaches } = invariants[id]
    // What is sold is the sum over everybody's orders.
    return about(id, promise, concerns[id], breaches(id === 'S3' ? { ...own, stock: [] } : own))
  })
  const { promise, breaches } = runInvariants.X2
  // It reads no other part of the evidence.
  return [...ends, about('X2', promise, 'doubled', breaches(effects as Evidence))]
}

/** What the experiment came to. */
export function scorecardOf(seen: {
  readonly own: Snapshot
  readonly effects: Effects
  readonly counts: ExperimentCounts
  readonly outcomes: readonly (FaultOutcome | undefined)[]
  readonly restMs?: number
}): Scorecard {
  const { own, effects, counts, outcomes, restMs } = seen
  const judgements = judge(own, effects)
  const breaches = (concern: Concern) =>
    judgements.filter((one) => one.concern === concern).reduce((sum, one) => sum + one.breaches, 0)
  const recoveries = outcomes.flatMap((outcome) => outcome?.recoveryMs ?? [])
  return {
    counts,
    statuses: Object.fromEntries(
      [...Map.groupBy(own.orders, ({ status }) => status)].map(([status, orders]) => [status, orders.length]),
    ),
    fired: outcomes.filter((outcome) => outcome?.fired).length,
    planned: outcomes.length,
    ...(recoveries.length === 0 ? {} : { recoveryMsMax: Math.max(...recoveries) }),
    ...(restMs === undefined ? {} : { restMs }),
    lost: breaches('lost'),
    doubled: breaches('doubled'),
    wrong: breaches('wrong'),
    judgements,
  }
}
