/**
 * What a proof is: evidence gathered from the running system through public interfaces, and a pure judgement of it.
 * The two are apart so that a test can break the evidence, as a broken part would, and see the judgement turn.
 */
import type { Outside } from './outside.ts'
import type { Step } from './step.ts'

export interface Proof<Evidence> {
  /** Stops, kills or reconfigures something: runs alone, after all that only look. */
  readonly disturbs?: true
  /** @throws NotRun when what it needs is not part of the running system. Any other error is a FAIL. */
  gather(outside: Outside): Promise<Evidence>
  /** Completes the evidence when everything is stopped; only where the system was started for the proofs. */
  afterwards?(outside: Outside, evidence: Evidence): Promise<Evidence>
  /** What is wrong, a sentence each; nothing is a PASS. Pure, and safe on evidence read from a file. */
  judge(evidence: Evidence): string[]
}

/** Keeps the type of the evidence. */
export const proof = <Evidence>(one: Proof<Evidence>): Proof<Evidence> => one

export type Verdict = 'PASS' | 'FAIL' | 'NOT RUN'

export interface Finding {
  readonly id: string
  readonly what: string
  readonly verdict: Verdict
  /** Why it is not a PASS. */
  readonly reasons: readonly string[]
  readonly steps: readonly Step[]
  readonly tookMs: number
  /** It was cut short, or not begun: NOT RUN, which says nothing of the row. */
  readonly stopped?: true
  /** As it was judged; absent when nothing was gathered. */
  readonly evidence?: unknown
}

/** The sentences whose condition does not hold. */
export const faultsOf = (...claims: readonly (readonly [holds: boolean, otherwise: string])[]): string[] =>
  claims.filter(([holds]) => !holds).map(([, otherwise]) => otherwise)
