/** As the telemetry takes it. */
export interface LogFilter {
  readonly service?: string
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  readonly text?: string
  readonly trace?: string
}

export const levels = ['debug', 'info', 'warn', 'error'] as const

/** The filter in the address of the page; what is no filter is left out. */
export function filterOf(query: URLSearchParams): LogFilter {
  const [service, text, trace] = ['service', 'q', 'trace'].map((name) => query.get(name) || undefined)
  const level = levels.find((name) => name === query.get('level'))
  return {
    ...(service === undefined ? {} : { service }),
    ...(level === undefined ? {} : { level }),
    ...(text === undefined ? {} : { text }),
    ...(trace !== undefined && /^[0-9a-f]{32}$/.test(trace) ? { trace } : {}),
  }
}
