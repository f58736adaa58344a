import { Problem } from '@svyaz/stage'
import type { TraceQuery } from './find-traces.ts'

export const limitMax = 500

/**
 * `service`, `since` (RFC 3339 or milliseconds since 1970), `limit` and any number of `attr.<key>`.
 * @throws Problem 400 that names each wrong parameter
 */
export function traceQuery(parameters: URLSearchParams): TraceQuery {
  const faults: string[] = []
  const attributes: Record<string, string> = Object.create(null)
  let service: string | undefined
  let sinceUnixNano: bigint | undefined
  let limit = 50
  for (const [name, value] of parameters) {
    if (name.startsWith('attr.') && name.length > 5) attributes[name.slice(5)] = value
    else if (name === 'service') service = value
    else if (name === 'since') {
      const sinceMs = /^\d{1,15}$/.test(value) ? Number(value) : Date.parse(value)
      if (Number.isNaN(sinceMs)) faults.push('since must be a time (RFC 3339) or milliseconds since 1970')
      else sinceUnixNano = BigInt(Math.trunc(sinceMs)) * 1_000_000n
    } else if (name === 'limit') {
      limit = Number(value)
      if (!/^\d{1,6}$/.test(value) || limit < 1 || limit > limitMax) faults.push(`limit must be from 1 to ${limitMax}`)
    } else faults.push(`${name} is not known`)
  }
  if (faults.length > 0) throw new Problem(400, 'invalid_query', faults.join('; '))
  return {
    attributes,
    limit,
    ...(service === undefined ? {} : { service }),
    ...(sinceUnixNano === undefined ? {} : { sinceUnixNano }),
  }
}

/** @throws Problem 400 */
export function traceIdOf(text: string): string {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new Problem(400, 'invalid_trace_id', 'a trace id has 32 hex digits')
  return text.toLowerCase()
}
