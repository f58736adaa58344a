import type { Clock } from './clock.ts'

export type LogFields = Readonly<Record<string, unknown>>

/** One JSON object a line: `time` (RFC 3339, UTC), `level`, `msg`, then the fields. JSON escapes what a caller put in. */
export interface Log {
  info(msg: string, fields?: LogFields): void
  warn(msg: string, fields?: LogFields): void
  error(msg: string, fields?: LogFields): void
}

/**
 * One JSON object a line.
 * @param write takes a line with its line end
 */
export function createLog(write: (line: string) => void, clock: Clock): Log {
  const at = (level: string) => (msg: string, fields?: LogFields) =>
    write(`${JSON.stringify({ time: clock.date().toISOString(), level, msg, ...fields })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
