/** The one reader of whole numbers on a command line. */
import { UsageError } from './errors.ts'

/** Both ends included. */
export interface Whole {
  readonly min: number
  readonly max: number
}

/**
 * Reads a whole number as a person types it: digits alone.
 *
 * @param what names it in the sentence, e.g. `--lines`
 * @throws UsageError with the limits and what was typed
 */
export function readWhole(what: string, text: string, { min, max }: Whole): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${what} takes a whole number from ${min} to ${max}, not "${text}"`)
}

/** The value of a flag that `run.ts` has checked against the table of commands; `absent` when it isn't given. */
export function wholeNumber(value: string | boolean | undefined, absent: number): number {
  return typeof value === 'string' ? Number(value) : absent
}
