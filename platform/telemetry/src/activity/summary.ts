/** What cells come to over a window: the figures that `/red` and `/edges` answer. */
import { type Cell, mergeCell } from './cells.ts'
import { Durations } from './durations.ts'

export type Red = {
  readonly count: number
  readonly ratePerSecond: number
  readonly errors: number
  readonly errorRatio: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Cells as one. */
export function sumOf(cells: readonly Cell[]): Cell {
  const sum: Cell = { atMs: 0, count: 0, errors: 0, sumMs: 0, maxMs: 0, durations: new Durations() }
  for (const cell of cells) mergeCell(sum, cell)
  return sum
}

/** Rate, errors and durations (ms) of what was counted in a window (its length in seconds). */
export function redOf({ count, errors, sumMs, maxMs, durations }: Cell, windowS: number): Red {
  // A step of the scale ends above the longest in it.
  const quantile = (share: number) => rounded(Math.min(maxMs, durations.quantile(share)))
  return {
    count,
    ratePerSecond: rounded(count / windowS),
    errors,
    errorRatio: count === 0 ? 0 : rounded(errors / count),
    meanMs: count === 0 ? 0 : rounded(sumMs / count),
    p50Ms: quantile(0.5),
    p90Ms: quantile(0.9),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: rounded(maxMs),
  }
}

/** For a line: one point a cell. */
export const pointsOf = (cells: readonly Cell[]) =>
  cells.map(({ atMs, count, errors, sumMs, maxMs, durations }) => ({
    atMs,
    count,
    errors,
    meanMs: count === 0 ? 0 : rounded(sumMs / count),
    p95Ms: rounded(Math.min(maxMs, durations.quantile(0.95))),
  }))

/** Six digits: more isn’t known. */
export const rounded = (value: number): number => Number(value.toPrecision(6))
