/** Log lines as JSON objects: one a line, UTC, so that nothing a client sends can start a line of its own. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

export type Details = Readonly<Record<string, unknown>>

export interface Logger {
  debug(message: string, details?: Details): void
  info(message: string, details?: Details): void
  warn(message: string, details?: Details): void
  error(message: string, details?: Details): void
}

const order: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Writes lines of at least `least` with `write`; `now` gives milliseconds since 1970. */
export function jsonLogger(write: (line: string) => void, least: Level = 'info', now: () => number = Date.now): Logger {
  const at = (level: Level) => (msg: string, details?: Details) => {
    if (order.indexOf(level) < order.indexOf(least)) return
    const line = { time: new Date(now()).toISOString(), level, msg, ...details }
    write(`${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const nothing = () => {}
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
