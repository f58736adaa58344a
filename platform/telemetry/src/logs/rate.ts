/** How many lines of each level there were, over time: the bar above a list of lines. */
import { logFilter, Parameters } from '../queries.ts'
import { logSources } from './directory.ts'
import { logMatcher } from './log-filter.ts'
import { type LogLevel, logLevels } from './log-line.ts'
import type { LogStore } from './log-store.ts'
import { visitLogs } from './search.ts'

type Bucket = { readonly atMs: number } & Record<LogLevel, number>

const buckets = 60
const linesMax = 50_000
const rangeMsDefault = 15 * 60_000

/**
 * The answer of `GET /logs/rate`: how many lines there were, by time and level. @throws Problem 400 for a wrong parameter
 */
export async function logRate(directory: string | undefined, store: LogStore, query: URLSearchParams, nowMs: number) {
  const asked = new Parameters(query)
  const filter = logFilter(asked)
  const toMs = asked.timeMs('to') ?? nowMs
  const fromMs = asked.timeMs('from') ?? toMs - rangeMsDefault
  if (fromMs >= toMs) asked.fault('from must be before to')
  asked.done()
  const stepMs = Math.max(1_000, Math.ceil((toMs - fromMs) / buckets / 1_000) * 1_000)
  const firstMs = Math.floor(fromMs / stepMs) * stepMs
  const counted: Bucket[] = []
  for (let atMs = firstMs; atMs <= toMs; atMs += stepMs) counted.push({ atMs, debug: 0, info: 0, warn: 0, error: 0 })
  const files = await logSources(directory, { instance: filter.instance, toMs })
  const sources = [...files, ...store.sources(fromMs, toMs)]
  const { next } = await visitLogs(
    sources,
    logMatcher(filter),
    { fromMs, toMs, limit: linesMax },
    ({ atMs, level }) => {
      const bucket = counted[Math.floor((atMs - firstMs) / stepMs)]
      if (bucket !== undefined && logLevels.includes(level)) bucket[level] += 1
    },
  )
  return { stepMs, complete: next === null, buckets: counted }
}
