/** Exit codes of every command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** Ends a command with a sentence for the person at the terminal and exit code 1. */
export class CliError extends Error {
  override name = 'CliError'
}

/** The command line was wrong: exit code 2. */
export class UsageError extends CliError {
  override name = 'UsageError'
}
