/** When the story and the trace of an order are read again: pure decisions, so that a finished order is left alone. */
import { isFinal, type OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
import { limits } from './limits.ts'

export interface Looked {
  readonly status: OrderStatus
  /** Something was heard of the order while it was read. */
  readonly heardMeanwhile: boolean
  /** The late look at a final order was asked for already. */
  readonly settled: boolean
}

/**
 * `soon`: like after any news. `late`: one more look at a final order, which may gain a step yet, such as stock that was
 * put back, that no change of status announces. Undefined: not until something is heard.
 */
export function nextLook({ status, heardMeanwhile, settled }: Looked): 'soon' | 'late' | undefined {
  if (heardMeanwhile) return 'soon'
  return isFinal(status) && !settled ? 'late' : undefined
}

/**
 * How long news are gathered before the story is read, in ms: longer as the gateway's limit comes nearer.
 *
 * @param requestsLeft that the gateway still allows; the last ones are for what the person does
 */
export function lookDelayMs(requestsLeft: number): number {
  const left = requestsLeft - limits.requestsKeptBack
  if (left > limits.requestsAmple) return limits.storyDebounceMs
  return left > 0 ? limits.storyDebounceMs * 5 : limits.storyDebounceSlowMs
}

/** Waits before each look at a trace, in ms: the later ones for the mails and frames that come last. */
const traceWaitsMs = [limits.traceDebounceMs, ...limits.traceSettleMs]

/** Before the look of this round, in ms; undefined behind the last one. */
export const traceWaitMs = (round: number): number | undefined => traceWaitsMs[round]

/** A trace that grew is looked at again soon, one that didn't later and later. */
export const nextTraceRound = (round: number, grew: boolean): number => (grew ? Math.min(round + 1, 1) : round + 1)
