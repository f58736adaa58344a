/** From faults to a verdict. Pure. */
import type { Requirement } from './assignment.ts'
import type { Verdict } from './proof.ts'

/** A row of which a part is missing is not a PASS, however well the rest is. */
export function conclude(
  row: Pick<Requirement, 'missing' | 'elsewhere'>,
  faults: readonly string[],
): [Verdict, readonly string[]] {
  if (faults.length > 0) return ['FAIL', faults]
  return row.missing === undefined ? ['PASS', []] : ['NOT RUN', [withCommand(row, `${row.missing}; the rest holds`)]]
}

/** Why a row was not run, and what runs it. */
export const withCommand = ({ elsewhere }: Pick<Requirement, 'elsewhere'>, reason: string): string =>
  elsewhere === undefined ? reason : `${reason}. Run: ${elsewhere}`
