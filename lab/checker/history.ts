/**
 * What the clients and the nemesis did, as they saw it: one line of JSON each, an `invoke` and what came of it. 2xx is
 * `ok`, a definite refusal `fail`; no answer, a reset or 5xx is `info`: it may have happened.
 */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

export type EntryType = 'invoke' | 'ok' | 'fail' | 'info'

export interface HistoryEntry {
  /** Counts the lines. */
  readonly i: number
  /** Who: a user of the load, `admin` or `nemesis`. */
  readonly process: string
  readonly type: EntryType
  /** What: `createOrder`, `cancelOrder`, `restock`, a fault … */
  readonly f: string
  /** Idempotency-Key, order id or target; pairs an outcome with its `invoke`. */
  readonly key: string
  readonly request?: unknown
  readonly response?: unknown
  /** Milliseconds since the start of the run. */
  readonly tMono: number
  /** RFC 3339. */
  readonly tWall: string
  readonly traceId?: string
}

export interface History {
  readonly entries: readonly HistoryEntry[]
  write(entry: Omit<HistoryEntry, 'i' | 'tMono' | 'tWall'>): void
  /** Resolves when the file has everything. */
  close(): Promise<void>
}

/** @param file each entry is appended there as it happens, so that a run that dies leaves what it saw */
export function createHistory(file: string): History {
  const entries: HistoryEntry[] = []
  const stream = createWriteStream(file)
  const startedAt = performance.now()
  return {
    entries,
    write(entry) {
      const line: HistoryEntry = {
        i: entries.length,
        ...entry,
        tMono: Math.round(performance.now() - startedAt),
        tWall: new Date().toISOString(),
      }
      entries.push(line)
      stream.write(`${JSON.stringify(line)}\n`)
    },
    async close() {
      stream.end()
      await finished(stream)
    },
  }
}

/** How an HTTP status is entered. 429 is the limiter's: the request went no further. */
export const outcomeOf = (status: number | undefined): 'ok' | 'fail' | 'info' =>
  status === undefined || status >= 500 ? 'info' : status < 400 ? 'ok' : 'fail'
