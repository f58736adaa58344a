/** The two ways to put load on a stack. Both give the outcome of every order that they began. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '@svyaz/checker/random.ts'
import type { Line, Outcome } from './shopper.ts'

/** Places one order that was due then. */
export type Place = (dueAtMs: number) => Promise<Outcome>

export interface Loaded {
  readonly startedAtMs: number
  readonly outcomes: readonly Outcome[]
}

/** Orders under way in an open loop: beyond, one that is due counts as never answered (status 0). */
const underWayMax = 2_000
/** After a refusal a customer of the closed loop comes again, not at once. */
const refusedPauseMs = 100

/**
 * Closed loop: `inFlight` customers, each of whom orders again when the last order is complete.
 * @param enough looks at what has been done: true ends it
 */
export async function closedLoop(
  place: Place,
  inFlight: number,
  enough: (done: { seconds: number; completed: number }) => boolean,
): Promise<Loaded> {
  const startedAtMs = performance.now()
  const outcomes: Outcome[] = []
  let completed = 0
  const isEnough = () => enough({ seconds: (performance.now() - startedAtMs) / 1_000, completed })
  const customer = async () => {
    while (!isEnough()) {
      const outcome = await place(performance.now())
      outcomes.push(outcome)
      if (outcome.completedMs !== undefined) completed += 1
      if (outcome.status !== 201) await delay(refusedPauseMs)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, customer))
  return { startedAtMs, outcomes }
}

/** Open loop: orders leave when they are due, whatever became of those before, and are timed from then. */
export async function openLoop(place: Place, perSecond: number, seconds: number): Promise<Loaded> {
  const startedAtMs = performance.now()
  const total = Math.round(perSecond * seconds)
  const outcomes: Outcome[] = []
  const underWay = new Set<Promise<unknown>>()
  for (let index = 0; index < total; ) {
    for (; index < total && startedAtMs + (index * 1_000) / perSecond <= performance.now(); index += 1) {
      const dueAtMs = startedAtMs + (index * 1_000) / perSecond
      if (underWay.size >= underWayMax) {
        outcomes.push({ status: 0, dueAtMs, postMs: 0 })
        continue
      }
      const work = place(dueAtMs).then((outcome) => outcomes.push(outcome))
      underWay.add(work)
      void work.finally(() => underWay.delete(work))
    }
    await delay(1)
  }
  await Promise.all(underWay)
  return { startedAtMs, outcomes }
}

/** One to three products, one or two of each, as the checker's customers want them. */
export function basket(products: readonly string[], random: Random): Line[] {
  return random
    .shuffled(products)
    .slice(0, random.between(1, 3))
    .map((productId) => ({ productId, quantity: random.between(1, 2) }))
}
