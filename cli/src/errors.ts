/** Exit codes of every command, and the errors that end one. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const

/** What help and documents say of each. */
export const exitCodeMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.ok, 'done; also a follow or a stay that Ctrl-C ended in order'],
  [
    exitCodes.failed,
    'failed, or found something wrong (`doctor`, `budget`, `levels`, `faults`, a refused replay); the sentence says what',
  ],
  [exitCodes.usage, 'the command line was wrong: nothing was done'],
  [exitCodes.notRunning, 'the system does not run on this SVYAZ_HOME, and the command needs it'],
]

/** Ends a command with a sentence for the person at the terminal. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: number = exitCodes.failed
}

/** The command line was wrong. */
export class UsageError extends CliError {
  override name = 'UsageError'
  override readonly exitCode = exitCodes.usage
}

export class NotRunningError extends CliError {
  override name = 'NotRunningError'
  override readonly exitCode = exitCodes.notRunning
}
