/** Decisions about records, without I/O: how a failure counts, how long to wait, what may be acknowledged. */
import { errorTable } from '@svyaz/contracts/errors.ts'
import { backOffMs } from '../database/back-off.ts'
import { isRepeatable } from '../database/errors.ts'
import { Failure, HandlerError } from '../failure.ts'

export type FailureKind = 'transient' | 'permanent' | 'unclassified'

/**
 * Reliability rule 1. A Failure counts by the `retry` of its row, but `internal` says only that nobody knows what went
 * wrong: waiting for that without limit would block a partition behind a bug, so it is unclassified.
 */
export function classify(error: unknown): FailureKind {
  if (error instanceof HandlerError) return error.outcome
  if (error instanceof Failure && error.code !== 'internal') {
    return errorTable[error.code].retry ? 'transient' : 'permanent'
  }
  if (isRepeatable(error)) return 'transient'
  return 'unclassified'
}

/** What was tried so far for one record. */
export interface Tries {
  /** Failures that count, permanent and unclassified. */
  counted: number
  /** Transient failures in a row; they never count. */
  waits: number
}

export type NextStep =
  | { do: 'wait'; delayMs: number; tries: Tries }
  | { do: 'repeat'; delayMs: number; tries: Tries }
  | { do: 'give up'; tries: Tries }

const transientBaseMs = 100
const transientMaxMs = 10_000
const countedBaseMs = 50
const countedMaxMs = 2_000

/** What follows a failed try. */
export function afterFailure(kind: FailureKind, tries: Tries, attemptsMax: number, random: () => number): NextStep {
  if (kind === 'transient') {
    const waits = tries.waits + 1
    return {
      do: 'wait',
      delayMs: backOffMs(waits, transientBaseMs, transientMaxMs, random),
      tries: { counted: tries.counted, waits },
    }
  }
  const next = { counted: tries.counted + 1, waits: 0 }
  if (next.counted >= attemptsMax) return { do: 'give up', tries: next }
  return { do: 'repeat', delayMs: backOffMs(next.counted, countedBaseMs, countedMaxMs, random), tries: next }
}

/** A record that names a consumer is a replay for that one alone. */
export const isFor = (addressee: string | undefined, group: string): boolean =>
  addressee === undefined || addressee === group
