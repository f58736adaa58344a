/**
 * The spans that are kept: each as its line (span-line.ts), beside it what finding needs. Those of one trace are found by
 * the stretches of rows that have some: one entry for each export and trace, because an entry a span would cost more than
 * the span (docs/decisions/0088-an-index-of-stretches.md). No clock: the time is an argument.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { History, type HistoryLimits } from '../history/history.ts'
import type { Row, Segment } from '../history/segment.ts'
import { type Span, spanKinds } from './span.ts'
import { lineOf, spanOfText } from './span-line.ts'

export type Size = { spans: number; bytes: number }

export type SpanLimits = {
  readonly history: HistoryLimits
  /** One runaway trace must not push out all others. */
  readonly spansPerTraceMax: number
  readonly spanBytesMax: number
  /** Of one trace, as it is kept and as it is read. */
  readonly traceBytesMax: number
}

const schema = `
  CREATE TABLE IF NOT EXISTS word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS span (
    seq INTEGER PRIMARY KEY, root INTEGER NOT NULL, start INTEGER NOT NULL,
    duration INTEGER NOT NULL, service INTEGER NOT NULL, operation INTEGER NOT NULL, kind INTEGER NOT NULL,
    error INTEGER NOT NULL, line TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS stretch (trace INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (trace, first)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS link (one BLOB NOT NULL, other BLOB NOT NULL, PRIMARY KEY (one, other)) WITHOUT ROWID;`

/** Rows of others between two of one trace: beyond them another stretch begins. */
const gapRowsMax = 64
/** Traces whose spans are counted against `spansPerTraceMax`: those that spoke last. */
const countedTracesMax = 10_000
/** Of the lines of one answer. */
const answerBytesMax = 8 * 1024 * 1024
/** Words whose numbers are remembered, and how long one may be: nobody names an operation longer on purpose. */
const wordsMax = 5_000
const wordCharsMax = 500
/** Times in SQLite are whole microseconds; larger ones than a number here can hold couldn't be read back. */
const microsMax = Number.MAX_SAFE_INTEGER

export class SpanStore implements Disposable {
  /** Refused by a limit, and lost because nothing could be written. */
  spansRefused = 0
  spansLost = 0
  spansKept = 0
  readonly history: History
  readonly #limits: SpanLimits
  readonly #counted = new Map<string, Size>()
  #lastCounted: { readonly traceId: string; readonly size: Size } = { traceId: '', size: { spans: 0, bytes: 0 } }
  #words = new Map<string, number>()

  constructor(directory: string, limits: SpanLimits, onFault: (error: unknown) => void) {
    this.#limits = limits
    this.history = new History({
      directory,
      family: 'spans',
      schema,
      limits: limits.history,
      onFault,
      begun: () => this.#words.clear(),
    })
  }

  /** @returns how many were taken: the others are above a limit, or could not be written */
  add(spans: readonly Span[], nowMs: number): number {
    const kept = spans.flatMap((span) => {
      const line = lineOf(span)
      const bytes = Buffer.byteLength(line)
      const isFine = bytes <= this.#limits.spanBytesMax && this.#countFor(span.traceId, bytes)
      return isFine ? [{ span, line }] : []
    })
    this.spansRefused += spans.length - kept.length
    if (kept.length === 0) return 0
    try {
      this.history.write(nowMs, (segment) => {
        const stretches = new Map<number, Stretch>()
        for (const { span, line } of kept)
          extend(stretches, segment, numberOf(span.traceId), this.#insert(segment, span, line))
        for (const [trace, stretch] of stretches) insertStretch(segment, trace, stretch)
      })
      this.spansKept += kept.length
      return kept.length
    } catch {
      this.#words.clear()
      this.spansLost += kept.length
      return 0
    }
  }

  /** The spans of a trace in the order of their start, undefined when none is kept. The newest, where a limit cuts it. */
  spansOf(traceId: string): Span[] | undefined {
    const { spansPerTraceMax, traceBytesMax } = this.#limits
    const found = new Map<string, Span>()
    let bytes = 0
    for (const segment of this.history.segments())
      this.history.from(segment, (one) => {
        for (const { line } of one.each(`${rowsOfTrace('line')} ORDER BY seq DESC`, ...keysOf(traceId))) {
          const text = String(line)
          bytes += text.length
          if (bytes > traceBytesMax || found.size >= spansPerTraceMax) break
          const span = spanOfText(text)
          // One sent again replaces itself.
          if (span !== undefined && !found.has(span.spanId)) found.set(span.spanId, span)
        }
        return []
      })
    return found.size === 0 ? undefined : [...found.values()].sort(byStart)
  }

  /** Those of several traces, in their order, as many as an answer may have; others have a turn in between. */
  async spansOfEach(traceIds: Iterable<string>): Promise<Span[][]> {
    const traces: Span[][] = []
    let bytes = 0
    for (const traceId of traceIds) {
      const own = this.sizeOf(traceId).bytes
      if (bytes + own > answerBytesMax) break
      bytes += own
      const spans = this.spansOf(traceId)
      if (spans !== undefined) traces.push(spans)
      if (traces.length % 10 === 0) await turn()
    }
    return traces
  }

  /** The number of spans that are kept of a trace, and their bytes. */
  sizeOf(traceId: string): Size {
    const size = { spans: 0, bytes: 0 }
    for (const row of this.history.read((segment) =>
      segment.rows(rowsOfTrace('count(*) n, sum(length(line)) bytes'), ...keysOf(traceId)),
    )) {
      size.spans += Number(row.n)
      size.bytes += Number(row.bytes ?? 0)
    }
    return size
  }

  /** Whether this span of the trace is kept. */
  has(traceId: string, spanId: string): boolean {
    const like = `["${traceId}","${spanId}",%`
    const rows = this.history.read((segment) =>
      segment.rows(`${rowsOfTrace('1')} AND line LIKE ? LIMIT 1`, ...keysOf(traceId), like),
    )
    return !Iterator.from(rows).next().done
  }

  /** The traces that this one links to or is linked from; they need not be kept. */
  neighbours(traceId: string): Set<string> {
    const rows = this.history.read((segment) =>
      segment.rows('SELECT other FROM link WHERE one = ? LIMIT 1000', id(traceId)),
    )
    return new Set(Iterator.from(rows).map(({ other }) => hexOf(other)))
  }

  [Symbol.dispose](): void {
    this.history[Symbol.dispose]()
  }

  /** @returns false when the trace is full */
  #countFor(traceId: string, bytes: number): boolean {
    const isLast = traceId === this.#lastCounted.traceId
    const size = isLast ? this.#lastCounted.size : (this.#counted.get(traceId) ?? { spans: 0, bytes: 0 })
    const { spansPerTraceMax, traceBytesMax } = this.#limits
    if (size.spans >= spansPerTraceMax || size.bytes + bytes > traceBytesMax) return false
    size.spans += 1
    size.bytes += bytes
    // Mostly several of one trace come after each other.
    if (isLast) return true
    this.#lastCounted = { traceId, size }
    this.#counted.delete(traceId)
    this.#counted.set(traceId, size)
    if (this.#counted.size > countedTracesMax) {
      const [oldest] = this.#counted.keys()
      if (oldest !== undefined) this.#counted.delete(oldest)
    }
    return true
  }

  /** @returns its row */
  #insert(segment: Segment, span: Span, line: string): number {
    const start = microsOf(span.startTimeUnixNano)
    const row = segment.run(
      `INSERT INTO span (root, start, duration, service, operation, kind, error, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      span.parentSpanId === undefined ? 1 : 0,
      start,
      Math.max(0, microsOf(span.endTimeUnixNano) - start),
      this.#word(segment, span.service),
      this.#word(segment, span.name),
      spanKinds.indexOf(span.kind),
      span.status.code === 'error' ? 1 : 0,
      line,
    )
    for (const { traceId } of span.links) {
      if (traceId === span.traceId) continue
      for (const [one, other] of [
        [span.traceId, traceId],
        [traceId, span.traceId],
      ] as const)
        segment.run('INSERT OR IGNORE INTO link (one, other) VALUES (?, ?)', id(one), id(other))
    }
    return row
  }

  #word(segment: Segment, text: string): number {
    const known = this.#words.get(text)
    if (known !== undefined) return known
    segment.run('INSERT OR IGNORE INTO word (text) VALUES (?)', text)
    const number = Number(segment.row('SELECT id FROM word WHERE text = ?', text)?.id)
    if (this.#words.size > wordsMax) this.#words.clear()
    if (text.length <= wordCharsMax) this.#words.set(text, number)
    return number
  }
}

type Stretch = { readonly first: number; last: number }

/** Adds a row to the stretch of its trace's number, or begins another when it is too far behind: none overlap. */
function extend(stretches: Map<number, Stretch>, segment: Segment, trace: number, row: number): void {
  const stretch = stretches.get(trace)
  if (stretch !== undefined && row - stretch.last <= gapRowsMax) stretch.last = row
  else {
    if (stretch !== undefined) insertStretch(segment, trace, stretch)
    stretches.set(trace, { first: row, last: row })
  }
}

function insertStretch(segment: Segment, trace: number, { first, last }: Stretch): void {
  segment.run('INSERT INTO stretch (trace, first, last) VALUES (?, ?, ?)', trace, first, last)
}

/**
 * A query over the spans of one trace. The number finds them, the id within the line decides: two traces may have the same
 * number, and rows of others are in between.
 * @param columns of `span` */
export const rowsOfTrace = (columns: string): string =>
  `SELECT ${columns} FROM stretch JOIN span ON seq BETWEEN first AND last WHERE trace = ? AND substr(line, 3, 32) = ?`

/** Its parameters. */
export const keysOf = (traceId: string): [number: number, traceId: string] => [numberOf(traceId), traceId]

/** Of a trace's id, the digits that are random in every convention, as many as fit. */
const numberOf = (traceId: string): number => Number.parseInt(traceId.slice(-13), 16)

/** An id of a trace or span as bytes. */
export const id = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
/** Bytes of a row as hexadecimal digits; empty when it has none. */
export const hexOf = (value: Row[string] | undefined): string =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') : ''

/** @param nanos decimal */
export const microsOf = (nanos: string): number => Math.min(microsMax, Number(nanos.slice(0, -3)))

/** Order of spans by when they began; by id where that is the same. */
export function byStart(a: Span, b: Span): number {
  const difference = BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)
  return difference < 0n ? -1 : difference > 0n ? 1 : a.spanId < b.spanId ? -1 : 1
}
