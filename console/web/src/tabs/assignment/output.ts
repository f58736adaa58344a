/** What a proof says, line by line, as one value. Pure. */
import type { ProofLine } from '../../../../assignment.ts'

export interface Output {
  /** Since the first line, oldest first. */
  readonly lines: readonly Exclude<ProofLine, { type: 'end' }>[]
  /** It has ended, with this exit status; null when it was ended. */
  readonly exitCode?: number | null
}

/** Of a run that says more than can be read. */
export const linesMax = 500

export const emptyOutput: Output = { lines: [] }

/** The output with one more line: the newest are kept. */
export function withLine(output: Output, line: ProofLine): Output {
  if (line.type === 'end') return { ...output, exitCode: line.exitCode }
  return { ...output, lines: [...output.lines, line].slice(-linesMax) }
}
