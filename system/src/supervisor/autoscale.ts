/**
 * How many instances of a service there should be, from how busy they are: pure. One is added when they have been busy for
 * a while, and one removed when those that are left would still have been idle enough, for longer. The gap between the two
 * keeps it from adding what it then removes.
 */

export interface ScaleBounds {
  readonly min: number
  readonly max: number
}

/** Shares are of one processor core: a process of Node has one thread that does the work. */
export const scaleRules = {
  addFrom: 0.7,
  addAfterMs: 5_000,
  /** What each of those that stay would have to do, at most. */
  removeBelow: 0.5,
  removeAfterMs: 60_000,
  /** A newcomer compiles what it runs first, and clients find it bit by bit. */
  settleMs: 10_000,
} as const

/** What is seen of a service at a moment. */
export interface ScaleSight {
  readonly instances: number
  /** Those of them that can do their work. */
  readonly ready: number
  /** Mean share of a core that each took since the last look. */
  readonly busy: number
}

/** Since when, in monotonic ms; undefined: it isn't so. */
export interface ScaleState {
  readonly busySince: number | undefined
  readonly idleSince: number | undefined
  readonly settledAt: number
}

/** Before the first look. */
export const unscaled: ScaleState = { busySince: undefined, idleSince: undefined, settledAt: Number.NEGATIVE_INFINITY }

/** @returns the state to come back with, and how many instances there should be */
export function decideScale(
  state: ScaleState,
  { instances, ready, busy }: ScaleSight,
  now: number,
  { min, max }: ScaleBounds,
): { readonly state: ScaleState; readonly wanted: number } {
  const within = Math.min(max, Math.max(min, instances))
  if (within !== instances) return changed(now, within)
  // What is starting or dead will take its share again: nothing is known of the load until then.
  if (ready < instances || now < state.settledAt)
    return { state: { ...state, busySince: undefined, idleSince: undefined }, wanted: instances }
  const without = instances > 1 ? (busy * instances) / (instances - 1) : Number.POSITIVE_INFINITY
  const busySince = busy >= scaleRules.addFrom ? (state.busySince ?? now) : undefined
  const idleSince = without < scaleRules.removeBelow ? (state.idleSince ?? now) : undefined
  if (busySince !== undefined && now - busySince >= scaleRules.addAfterMs && instances < max)
    return changed(now, instances + 1)
  if (idleSince !== undefined && now - idleSince >= scaleRules.removeAfterMs && instances > min)
    return changed(now, instances - 1)
  return { state: { ...state, busySince, idleSince }, wanted: instances }
}

const changed = (now: number, wanted: number) => ({
  state: { busySince: undefined, idleSince: undefined, settledAt: now + scaleRules.settleMs },
  wanted,
})
