/** One JSON object a line on stdout: UTC time, level, service, instance, message, and the trace id where there is one. */
import { type LoggerOptions, pino } from 'pino'
import type { Logger } from '../api.ts'
import type { KitEnvironment } from './environment.ts'
import { LogOutput } from './log-output.ts'
import { withoutSecrets } from './secrets.ts'

/**
 * The process's logger: JSON lines on stdout, secrets replaced.
 * @param currentTrace of the span that is active where a line is written
 */
export const createLogger = (
  environment: KitEnvironment,
  currentTrace: () => { traceId: string; spanId: string } | undefined,
): Logger => {
  const options = {
    level: environment.logLevel,
    base: { service: environment.service, instance: environment.instance },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: () => {
      const trace = currentTrace()
      return trace ? { traceId: trace.traceId, spanId: trace.spanId } : {}
    },
  } satisfies LoggerOptions
  const root = pino(options, new LogOutput())
  const wrap = (logger: typeof root): Logger => ({
    debug: (fields, message) => logger.debug(withoutSecrets(fields), message),
    info: (fields, message) => logger.info(withoutSecrets(fields), message),
    warn: (fields, message) => logger.warn(withoutSecrets(fields), message),
    error: (fields, message) => logger.error(withoutSecrets(fields), message),
    child: (fields) => wrap(logger.child(withoutSecrets(fields))),
  })
  return wrap(root)
}
