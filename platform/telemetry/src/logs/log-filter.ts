/** What is asked of log lines. Cheap looks at the raw line go first: most lines are turned away by them. Pure. */
import { type LogLevel, type LogLine, logLevels } from './log-line.ts'

export type LogFilter = {
  /** This one or a graver one. */
  readonly level?: LogLevel
  /** Somewhere in the line, in any case. */
  readonly text?: string
  readonly service?: string
  readonly instance?: string
  readonly trace?: string
}

export type LogMatcher = {
  /** false: the raw line can't match. */
  readonly mayMatch: (raw: string) => boolean
  readonly matches: (line: Omit<LogLine, 'id'>) => boolean
}

/** Judges lines by the filter: first cheaply by their bytes, then for certain. */
export function logMatcher({ level, text, service, instance, trace }: LogFilter): LogMatcher {
  const wanted = text?.toLowerCase()
  const gravest = level === undefined ? 0 : logLevels.indexOf(level)
  return {
    mayMatch: (raw) =>
      (trace === undefined || raw.includes(trace)) && (wanted === undefined || raw.toLowerCase().includes(wanted)),
    matches: (line) =>
      logLevels.indexOf(line.level) >= gravest &&
      (service === undefined || line.service === service) &&
      (instance === undefined || line.instance === instance) &&
      (trace === undefined || line.traceId === trace),
  }
}
