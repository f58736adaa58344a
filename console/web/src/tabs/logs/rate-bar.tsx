/** How many lines there were, by level, as bars over time: where it bristles, something happened. */
import { useTelemetry } from '../../live/use-telemetry.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import type { LogFilter } from './filter.ts'
import { logWords } from './words.ts'

const levels = ['error', 'warn', 'info', 'debug'] as const
const height = 36

/** @param filterKey the filter as JSON */
export function RateBar({ filterKey }: { filterKey: string }) {
  const words = useWords(logWords)
  const { language } = usePreferences()
  const { answer } = useTelemetry('logRate', { ...(JSON.parse(filterKey) as LogFilter) }, 10_000)
  const buckets = answer?.buckets ?? []
  const most = Math.max(1, ...buckets.map((bucket) => levels.reduce((sum, level) => sum + bucket[level], 0)))
  const first = buckets[0]?.atMs
  const time = (atMs: number) =>
    new Date(atMs).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  return (
    <figure className="rate-bar">
      <svg viewBox={`0 0 ${Math.max(1, buckets.length)} ${height}`} preserveAspectRatio="none" role="img">
        <title>{words.rate}</title>
        {buckets.map((bucket, at) => {
          let top = height
          return levels.map((level) => {
            const high = (bucket[level] / most) * height
            top -= high
            return (
              high > 0 && (
                <rect
                  key={`${bucket.atMs} ${level}`}
                  className={level}
                  x={at + 0.1}
                  y={top}
                  width={0.8}
                  height={high}
                />
              )
            )
          })
        })}
      </svg>
      <figcaption className="hint">
        <span>{first === undefined ? ' ' : time(first)}</span>
        <span>{first === undefined ? ' ' : time((buckets.at(-1)?.atMs ?? 0) + (answer?.stepMs ?? 0))}</span>
      </figcaption>
    </figure>
  )
}
