/**
 * Which instance gets the next call: the better of two at random, without those that were ejected after a run of
 * failures. Pure: state, time (monotonic ms) and randomness are arguments.
 */

export interface BalancerPolicy {
  /** Failures in a row until an instance is left out. */
  failuresToEject: number
  /** How long the first time; doubles with each ejection in a row. */
  ejectMs: number
  ejectMsMax: number
}

export interface InstanceLoad {
  inFlight: number
  failuresInRow: number
  /** Until when its failures weigh against it. */
  avoidedUntil: number
  ejections: number
  ejectedUntil: number
}

export const idleLoad: InstanceLoad = { inFlight: 0, failuresInRow: 0, avoidedUntil: 0, ejections: 0, ejectedUntil: 0 }

/** Fresh failures weigh as calls in flight, so that a retry rather goes elsewhere. */
const weight = (load: InstanceLoad, now: number) => load.inFlight + (now < load.avoidedUntil ? load.failuresInRow : 0)

/**
 * The index into `loads` to call, or -1 when it is empty. When all are ejected they all count again: an instance that
 * may be broken is better than none.
 */
export const chooseInstance = (loads: readonly InstanceLoad[], now: number, random: () => number): number => {
  const healthy = [...loads.keys()].filter((index) => loads[index]!.ejectedUntil <= now)
  const candidates = healthy.length > 0 ? healthy : [...loads.keys()]
  if (candidates.length === 0) return -1
  const first = Math.floor(random() * candidates.length)
  if (candidates.length === 1) return candidates[first]!
  // The second is another one: an index into the rest, moved past the first.
  const drawn = Math.floor(random() * (candidates.length - 1))
  const second = drawn >= first ? drawn + 1 : drawn
  const [a, b] = [candidates[first]!, candidates[second]!]
  return weight(loads[b]!, now) < weight(loads[a]!, now) ? b : a
}

/** The load after a call was begun. */
export const afterPick = (load: InstanceLoad): InstanceLoad => ({ ...load, inFlight: load.inFlight + 1 })

/** After an ejection one more failure ejects again, for longer; one success clears everything. */
export const afterAnswer = (
  load: InstanceLoad,
  outcome: 'ok' | 'failed',
  now: number,
  policy: BalancerPolicy,
): InstanceLoad => {
  const inFlight = Math.max(0, load.inFlight - 1)
  if (outcome === 'ok') return { ...idleLoad, inFlight }
  // Calls that were under way when it was ejected don't eject it further.
  if (load.ejectedUntil > now) return { ...load, inFlight }
  const failuresInRow = load.failuresInRow + 1
  const avoidedUntil = now + policy.ejectMs
  if (failuresInRow < policy.failuresToEject) return { ...load, inFlight, failuresInRow, avoidedUntil }
  return {
    inFlight,
    failuresInRow: policy.failuresToEject - 1,
    avoidedUntil,
    ejections: load.ejections + 1,
    ejectedUntil: now + Math.min(policy.ejectMs * 2 ** load.ejections, policy.ejectMsMax),
  }
}
