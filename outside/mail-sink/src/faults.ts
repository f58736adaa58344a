import type { FaultRequest } from './requests.ts'

/** What the fault control does now. `fired` counts since the last change, so that a run can prove its faults. */
export type FaultState = FaultRequest & { readonly fired: number }

export const noFault: FaultState = { mode: 'ok', fired: 0 }

/**
 * Whether this request is hit, and the state after it. After `count` hits the provider is well again.
 * @param chance a number in [0, 1) drawn for this request
 */
export function hit(state: FaultState, chance: number): { hit: boolean; state: FaultState } {
  if (state.mode === 'ok') return { hit: false, state }
  if (state.count !== undefined && state.fired >= state.count) return { hit: false, state }
  if (chance >= (state.probability ?? 1)) return { hit: false, state }
  return { hit: true, state: { ...state, fired: state.fired + 1 } }
}
