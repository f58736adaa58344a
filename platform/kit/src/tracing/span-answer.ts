/**
 * What a collector's answer means for the spans that were sent. Pure.
 * OTLP specification, "OTLP/HTTP Response": 2xx is taken, 429, 502, 503 and 504 may be repeated, anything else must not.
 */

export type SpanAnswer =
  /** `rejected`: how many of them the collector would not keep (partial success). */
  | { kind: 'taken'; rejected: number; why: string }
  /** `afterMs`: no sooner than this, when the collector says so. */
  | { kind: 'again'; why: string; afterMs: number | undefined }
  | { kind: 'refused'; why: string }

const repeatable: ReadonlySet<number> = new Set([429, 502, 503, 504])
const retryAfterMsMax = 300_000

/**
 * @param body its text; only OTLP's `partialSuccess` is read
 * @param nowMs wall clock, for a Retry-After that is a date
 */
export function judgeSpanAnswer(
  answer: { status: number; retryAfter: string | null; body: string },
  nowMs: number,
): SpanAnswer {
  const { status, retryAfter, body } = answer
  if (status >= 200 && status < 300) return { kind: 'taken', ...rejectedIn(body) }
  const why = `status ${status}${hintFor(status)}`
  if (!repeatable.has(status)) return { kind: 'refused', why }
  return { kind: 'again', why, afterMs: waitOf(retryAfter, nowMs) }
}

const hintFor = (status: number): string =>
  status === 401 || status === 403
    ? ': it wants a key (OTEL_EXPORTER_OTLP_HEADERS)'
    : status === 404 || status === 405
      ? ': there is no intake at this address; the path /v1/traces is added to the base URL'
      : status === 415
        ? ': it does not take OTLP as JSON'
        : ''

/** RFC 9110, 10.2.3: seconds or an HTTP date. */
function waitOf(retryAfter: string | null, nowMs: number): number | undefined {
  if (retryAfter === null) return undefined
  const ms = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), retryAfterMsMax) : undefined
}

function rejectedIn(body: string): { rejected: number; why: string } {
  if (!body.includes('partialSuccess')) return { rejected: 0, why: '' }
  try {
    const { partialSuccess } = JSON.parse(body) as {
      partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string }
    }
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0)
    return { rejected: Number.isSafeInteger(rejected) ? rejected : 0, why: partialSuccess?.errorMessage ?? '' }
  } catch {
    return { rejected: 0, why: '' }
  }
}

/**
 * The headers of `OTEL_EXPORTER_OTLP_HEADERS`: `name=value` pairs divided by commas, values percent-encoded
 * (OpenTelemetry, "OTLP Exporter Configuration"; the form of W3C Baggage).
 * @throws Error that names the pair, never its value
 */
export function readOtlpHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [index, pair] of text.split(',').entries()) {
    if (pair.trim() === '') continue
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim().toLowerCase()
    if (at <= 0 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
      throw new Error(`pair ${index + 1} is not name=value with a header's name`)
    const value = decode(pair.slice(at + 1).trim())
    if (value === undefined || !/^[\x20-\x7e]*$/.test(value))
      throw new Error(`the value of ${name} is not a header's value, percent-encoded`)
    headers[name] = value
  }
  return headers
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
