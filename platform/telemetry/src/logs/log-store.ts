/** Log lines that came over OTLP, on the disk. Those of files stay in their files (directory.ts). */
import { History, type HistoryLimits } from '../history/history.ts'
import { parsed } from '../history/parsed.ts'
import type { Segment } from '../history/segment.ts'
import type { LogLine } from './log-line.ts'
import type { LogSource } from './search.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS line (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS line_at ON line (at);`

const rowsPerGroup = 500
/** As of a span: what is longer is refused. */
const lineBytesMax = 64 * 1024

export class LogStore implements Disposable {
  linesKept = 0
  linesLost = 0
  readonly history: History

  constructor(directory: string, limits: HistoryLimits, onFault: (error: unknown) => void) {
    this.history = new History({ directory, family: 'logs', schema, limits, onFault })
  }

  /** @returns the lines as they are kept, with their ids; without those that are too long; none when nothing could be written */
  add(lines: readonly Omit<LogLine, 'id'>[], nowMs: number): LogLine[] {
    if (lines.length === 0) return []
    const kept = lines.flatMap((line, n) => {
      const own: LogLine = { id: `otlp:${nowMs}.${this.linesKept + n}`, ...line }
      const text = JSON.stringify(own)
      return Buffer.byteLength(text) > lineBytesMax ? [] : [{ own, text }]
    })
    this.linesLost += lines.length - kept.length
    try {
      this.history.write(nowMs, (segment) => {
        for (const { own, text } of kept) segment.run('INSERT INTO line (at, text) VALUES (?, ?)', own.atMs, text)
      })
      this.linesKept += kept.length
      return kept.map(({ own }) => own)
    } catch {
      this.linesLost += kept.length
      return []
    }
  }

  /** All of them for a search, a source a segment: within one they are in the order of time, whatever their clocks say. */
  sources(fromMs: number, toMs: number): LogSource[] {
    return Array.from(this.history.segments(), (segment) => new StoredLines(this.history, segment, fromMs, toMs))
  }

  [Symbol.dispose](): void {
    this.history[Symbol.dispose]()
  }
}

class StoredLines implements LogSource {
  bytesRead = 0
  readonly #history: History
  readonly #segment: Segment
  readonly #fromMs: number
  #at: { readonly atMs: number; readonly seq: number }

  constructor(history: History, segment: Segment, fromMs: number, toMs: number) {
    this.#history = history
    this.#segment = segment
    this.#fromMs = fromMs
    this.#at = { atMs: toMs, seq: Number.MAX_SAFE_INTEGER }
  }

  async next(): Promise<{ raw: string; line: LogLine }[] | undefined> {
    const rows = this.#history.from(this.#segment, (one) =>
      one.rows(
        'SELECT seq, at, text FROM line WHERE (at, seq) < (?, ?) AND at >= ? ORDER BY at DESC, seq DESC LIMIT ?',
        this.#at.atMs,
        this.#at.seq,
        this.#fromMs,
        rowsPerGroup,
      ),
    )
    const last = rows.at(-1)
    if (last === undefined) return undefined
    this.#at = { atMs: Number(last.at), seq: Number(last.seq) }
    return rows.flatMap(({ text }) => {
      const raw = String(text)
      this.bytesRead += raw.length
      const line = parsed(raw)
      return line === undefined ? [] : [{ raw, line: line as LogLine }]
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
