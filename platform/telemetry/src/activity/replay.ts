/**
 * Counts again, after a start, what was kept of the last hour, so that rates and the map have it. In slices, after the port
 * is open: nobody waits for it.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { spanOfText } from '../spans/span-line.ts'
import type { SpanStore } from '../spans/span-store.ts'
import type { Activity } from './activity.ts'

const rangeMs = 3_600_000
const spansMax = 100_000
const spansPerSlice = 500

/** @returns how many spans were counted */
export async function replay(
  store: SpanStore,
  activity: Activity,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  let count = 0
  for (const segment of store.history.segments(nowMs - rangeMs)) {
    let before = store.history.from(segment, (one) => [Number(one.row('SELECT max(seq) n FROM span')?.n ?? 0)])[0] ?? 0
    while (before > 0 && count < spansMax) {
      const rows = store.history.from(segment, (one) =>
        one.rows(
          'SELECT line FROM span WHERE seq > ? AND seq <= ? AND start > ?',
          before - spansPerSlice,
          before,
          (nowMs - rangeMs) * 1_000,
        ),
      )
      for (const { line } of rows) {
        const span = spanOfText(line)
        if (span !== undefined) activity.take(span, nowMs)
      }
      count += rows.length
      before -= spansPerSlice
      await turn()
      if (signal.aborted) return count
    }
  }
  return count
}
