/** Which traces there are: search over the columns beside the spans, and over their lines where attributes are asked for. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Row, Segment } from '../history/segment.ts'
import { type AttributeValue, type SpanKind, spanKinds } from './span.ts'
import { spanOfText } from './span-line.ts'
import { keysOf, rowsOfTrace, type SpanStore } from './span-store.ts'

/** What one span must be; `null` members ask nothing. */
export type TraceQuery = {
  readonly service?: string
  readonly operation?: string
  readonly kind?: SpanKind
  readonly minDurationMs?: number
  readonly maxDurationMs?: number
  readonly error?: boolean
  /** All of them; values are compared as text. */
  readonly attributes: Readonly<Record<string, string>>
  /** A text somewhere in the values of its attributes. */
  readonly mention?: string
  /** When it began. */
  readonly fromMs?: number
  readonly toMs?: number
  readonly limit: number
}

export type TraceSummary = {
  readonly traceId: string
  /** Of the root, or of the earliest span when the root isn't here. */
  readonly name: string
  readonly service: string
  readonly startTimeUnixNano: string
  readonly durationMs: number
  readonly spanCount: number
  readonly errorCount: number
  readonly services: readonly string[]
}

export type TracesFound = {
  /** Newest first. */
  readonly traces: TraceSummary[]
  readonly complete: boolean
  /** Where the search ended, when it ended at its bound. */
  readonly searchedBackToMs: number | null
}

/** Looked at before others may have a turn, and for one answer. */
const rowsPerTurn = 10_000
const rowsMax = 1_000_000

/** Searches for traces that a span of theirs fits, newest first, within the bounds of one search. */
export async function findTraces(store: SpanStore, query: TraceQuery): Promise<TracesFound> {
  const { traceIds, backToMs } = await findTraceIds(store, query)
  const traces = await summarize(store, traceIds)
  return { traces, complete: backToMs === undefined, searchedBackToMs: backToMs ?? null }
}

/** The ids alone, for those who read the traces themselves: newest first, and where the search ended at its bound. */
export async function findTraceIds(
  store: SpanStore,
  query: TraceQuery,
): Promise<{ readonly traceIds: ReadonlySet<string>; readonly backToMs: number | undefined }> {
  const condition = conditionOf(query)
  const found = new Set<string>()
  let rows = 0
  for (const segment of store.history.segments()) {
    const newest = store.history.from(segment, (one) => [one.row('SELECT max(seq) n FROM span')])
    let last = Number(newest[0]?.n ?? 0)
    while (last > 0 && found.size < query.limit) {
      const first = last - rowsPerTurn
      store.history.from(segment, (one) => {
        for (const row of one.each(condition.sql, ...condition.values, first, last)) {
          if (condition.isSo(row)) found.add(traceIdOf(row))
          if (found.size >= query.limit) break
        }
        return []
      })
      rows += rowsPerTurn
      last = first
      if (rows >= rowsMax && found.size < query.limit) {
        const reached = store.history.from(segment, (one) => [
          one.row('SELECT start FROM span WHERE seq > ? LIMIT 1', last),
        ])
        return { traceIds: found, backToMs: Math.floor(Number(reached[0]?.start ?? 0) / 1_000) }
      }
      await turn()
    }
    if (found.size >= query.limit) break
  }
  return { traceIds: found, backToMs: undefined }
}

type Condition = { sql: string; values: (string | number)[]; isSo: (row: Row) => boolean }

function conditionOf(query: TraceQuery): Condition {
  const parts: string[] = []
  const values: (string | number)[] = []
  const where = (part: string, ...given: (string | number)[]) => {
    parts.push(part)
    values.push(...given)
  }
  const { service, operation, kind, minDurationMs, maxDurationMs, error, fromMs, toMs, mention } = query
  if (service !== undefined) where('service = (SELECT id FROM word WHERE text = ?)', service)
  if (operation !== undefined) where('operation = (SELECT id FROM word WHERE text = ?)', operation)
  if (kind !== undefined) where('kind = ?', spanKinds.indexOf(kind))
  if (minDurationMs !== undefined) where('duration >= ?', Math.floor(minDurationMs * 1_000))
  if (maxDurationMs !== undefined) where('duration <= ?', Math.ceil(maxDurationMs * 1_000))
  if (error !== undefined) where('error = ?', error ? 1 : 0)
  if (fromMs !== undefined) where('start >= ?', fromMs * 1_000)
  if (toMs !== undefined) where('start <= ?', toMs * 1_000)
  if (mention !== undefined) where('instr(line, ?) > 0', JSON.stringify(mention).slice(1, -1))
  const wanted = Object.entries(query.attributes)
  for (const [key, text] of wanted) {
    // As it is in a line: the text as a string, or as any other value. It may be there by chance, so it is read then.
    const name = JSON.stringify(key)
    where('(instr(line, ?) > 0 OR instr(line, ?) > 0)', `${name}:${JSON.stringify(text)}`, `${name}:${text}`)
  }
  const readsLines = wanted.length > 0 || mention !== undefined
  const isSo = ({ line }: Row): boolean => {
    if (!readsLines) return true
    const attributes = spanOfText(line)?.attributes ?? {}
    const has = ([key, text]: [string, string]) => Object.hasOwn(attributes, key) && asText(attributes[key]) === text
    const mentions = (text: string) => Object.values(attributes).some((value) => asText(value).includes(text))
    return wanted.every(has) && (mention === undefined || mentions(mention))
  }
  const columns = readsLines ? 'line' : 'substr(line, 1, 34) line'
  const conditions = [...parts, 'seq > ?', 'seq <= ?'].join(' AND ')
  return { sql: `SELECT ${columns} FROM span WHERE ${conditions} ORDER BY seq DESC`, values, isSo }
}

/** A line begins with it. */
const traceIdOf = ({ line }: Row): string => String(line).slice(2, 34)

const asText = (value: AttributeValue | undefined) =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

async function summarize(store: SpanStore, traceIds: ReadonlySet<string>): Promise<TraceSummary[]> {
  const traces: (TraceSummary & { start: number })[] = []
  for (const traceId of traceIds) {
    const rows = [...store.history.read((segment) => rowsOf(segment, traceId))]
    const start = Math.min(...rows.map((row) => Number(row.start)))
    const end = Math.max(...rows.map((row) => Number(row.start) + Number(row.duration)))
    const first = rows.find(({ root }) => root === 1) ?? rows.find((row) => Number(row.start) === start)
    if (first === undefined) continue
    traces.push({
      traceId,
      name: String(first.name),
      service: String(first.by),
      startTimeUnixNano: `${start}000`,
      durationMs: (end - start) / 1_000,
      spanCount: rows.length,
      errorCount: rows.filter(({ error }) => error === 1).length,
      services: [...new Set(rows.map(({ by }) => String(by)))],
      start,
    })
    if (traces.length % 10 === 0) await turn()
  }
  return traces.sort((a, b) => b.start - a.start).map(({ start: _, ...summary }) => summary)
}

const rowsOf = (segment: Segment, traceId: string): Row[] =>
  segment.rows(
    `SELECT start, duration, error, root, w.text name, s.text by FROM (${rowsOfTrace('span.*')})
     JOIN word w ON w.id = operation JOIN word s ON s.id = service ORDER BY start LIMIT 5000`,
    ...keysOf(traceId),
  )
