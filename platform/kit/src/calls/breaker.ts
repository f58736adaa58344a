/**
 * A circuit breaker and a retry budget as pure functions of (state, event, time): no clock, no randomness of their own,
 * so that the simulation can run them (reliability rules 11 and 17). Times are monotonic ms.
 */

export interface BreakerPolicy {
  /** How many of the last calls are judged, and how few of them are not. */
  callsJudgedMax: number
  callsJudgedMin: number
  /** Opens when more than this part of them failed. */
  failedRatioMax: number
  /** How long it stays open the first time; doubles with each failed probe. */
  openMs: number
  openMsMax: number
  /** Half-open: this many probes at once, and this many must succeed. */
  probesAtOnce: number
  probesNeeded: number
}

export type BreakerState =
  | { kind: 'closed'; outcomes: readonly boolean[] }
  | { kind: 'open'; until: number; openings: number }
  | { kind: 'half-open'; inFlight: number; succeeded: number; openings: number }

export type Admission = 'call' | 'probe' | 'refused'
/** `ignored`: it says nothing about the dependency (the caller gave up, no address was known). */
export type Outcome = 'ok' | 'failed' | 'ignored'

export const closedBreaker: BreakerState = { kind: 'closed', outcomes: [] }

/** Whether a call may go out at `now`, and the state after asking. */
export const admitCall = (
  state: BreakerState,
  now: number,
  policy: BreakerPolicy,
): { state: BreakerState; admission: Admission } => {
  if (state.kind === 'closed') return { state, admission: 'call' }
  if (state.kind === 'open') {
    if (now < state.until) return { state, admission: 'refused' }
    return { state: { kind: 'half-open', inFlight: 1, succeeded: 0, openings: state.openings }, admission: 'probe' }
  }
  if (state.inFlight >= policy.probesAtOnce) return { state, admission: 'refused' }
  return { state: { ...state, inFlight: state.inFlight + 1 }, admission: 'probe' }
}

const open = (now: number, openings: number, policy: BreakerPolicy): BreakerState => ({
  kind: 'open',
  until: now + Math.min(policy.openMs * 2 ** openings, policy.openMsMax),
  openings: openings + 1,
})

/** The state after an admitted call ended. What was admitted before the breaker opened no longer counts after. */
export const afterCall = (
  state: BreakerState,
  admission: Exclude<Admission, 'refused'>,
  outcome: Outcome,
  now: number,
  policy: BreakerPolicy,
): BreakerState => {
  if (admission === 'call') {
    if (state.kind !== 'closed' || outcome === 'ignored') return state
    const outcomes = [...state.outcomes, outcome === 'ok'].slice(-policy.callsJudgedMax)
    const failed = outcomes.filter((ok) => !ok).length
    const judged = outcomes.length >= policy.callsJudgedMin
    // A good answer never opens it, however bad the ones before it: they say that it is back.
    return outcome === 'failed' && judged && failed > outcomes.length * policy.failedRatioMax
      ? open(now, 0, policy)
      : { kind: 'closed', outcomes }
  }
  if (state.kind !== 'half-open') return state
  if (outcome === 'failed') return open(now, state.openings, policy)
  const succeeded = state.succeeded + (outcome === 'ok' ? 1 : 0)
  if (succeeded >= policy.probesNeeded) return closedBreaker
  return { ...state, inFlight: state.inFlight - 1, succeeded }
}

export interface BudgetPolicy {
  /** What each call puts in; 0.1 lets every tenth call be repeated. */
  perCall: number
  /** What can be saved up, and what it starts with. */
  savedMax: number
}

/** A call was made: the budget after it. */
export const earnRetry = (saved: number, policy: BudgetPolicy): number =>
  Math.min(saved + policy.perCall, policy.savedMax)

/** The budget after one retry, or undefined when it does not pay for one. */
export const spendRetry = (saved: number): number | undefined => (saved >= 1 ? saved - 1 : undefined)

/** Full jitter: anything from 0 to the exponential step. `retry` counts from 1, `random` is in [0, 1). */
export const fullJitterMs = (
  retry: number,
  random: number,
  policy: { retryBaseMs: number; retryDelayMsMax: number },
): number => random * Math.min(policy.retryBaseMs * 2 ** (retry - 1), policy.retryDelayMsMax)
