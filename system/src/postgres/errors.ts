/** The `code` of a Node system error (`ENOENT`, `EACCES` …), or '' for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** PostgreSQL could not be started, or is not what it must be. `message` is for the person at the terminal. */
export class PostgresError extends Error {
  override name = 'PostgresError'
}
