/** A line of a log, taken apart. Pure. */

export interface LogLine {
  readonly time?: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  /** What else stood in it, as `name=value`. */
  readonly fields: string
}

/** What is in every line of a process, or is shown elsewhere. */
const known = new Set(['time', 'level', 'msg', 'service', 'instance', 'pid', 'hostname', 'v', 'profile'])
const levels = ['debug', 'info', 'warn', 'error'] as const
const fieldCharsMax = 200

/** Anything that is not one of our JSON lines (PostgreSQL writes a form of its own) is all message. */
export function parseLine(text: string): LogLine {
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    if (typeof value.msg !== 'string') throw new Error('not a line of a service')
    return {
      ...(typeof value.time === 'string' ? { time: value.time } : {}),
      level: levels.find((level) => level === value.level) ?? 'info',
      message: value.msg,
      fields: Object.entries(value)
        .filter(([name]) => !known.has(name))
        .map(
          ([name, field]) =>
            `${name}=${(typeof field === 'string' ? field : JSON.stringify(field)).slice(0, fieldCharsMax)}`,
        )
        .join('  '),
    }
  } catch {
    const level = /\b(?:FATAL|PANIC|ERROR)\b/.test(text) ? 'error' : /\bWARNING\b/.test(text) ? 'warn' : 'info'
    return { level, message: text, fields: '' }
  }
}
