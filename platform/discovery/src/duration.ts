/** Durations as Go writes and reads them (`1m30s`, `500ms`): Consul's bodies and queries use this form. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/**
 * @param value a text such as `10s`, or a number of nanoseconds (Go's `time.Duration` in JSON)
 * @returns milliseconds, or undefined when it is not a duration of at least zero
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * 1e-6 : undefined
  if (typeof value !== 'string' || value.length > 64) return undefined
  if (value === '0') return 0
  if (!/^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(value)) return undefined
  let totalMs = 0
  for (const part of value.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    totalMs += Number(part[1]) * unitMs[part[2]!]!
  }
  return totalMs
}

/** Writes milliseconds as Go's `Duration.String` does: `0s`, `500ms`, `1m30s`, `1h0m0s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  if (durationMs < 1000) return durationMs < 1 ? `${Math.round(durationMs * 1000)}µs` : `${trim(durationMs)}ms`
  const hours = Math.floor(durationMs / 3_600_000)
  const minutes = Math.floor((durationMs % 3_600_000) / 60_000)
  const seconds = `${trim((durationMs % 60_000) / 1000)}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

function trim(value: number): string {
  return String(Number(value.toFixed(6)))
}
