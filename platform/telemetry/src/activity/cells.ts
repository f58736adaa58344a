/** Counts by row and time. Rows that say nothing for an hour go, and so do cells that are older. */
import { Durations } from './durations.ts'

/** What happened in one stretch of time. */
export type Cell = {
  readonly atMs: number
  count: number
  errors: number
  sumMs: number
  maxMs: number
  readonly durations: Durations
}

export type CellRow<Name> = { readonly name: Name; readonly cells: readonly Cell[] }

export const cellMs = 10_000
export const coarseCellMs = 60_000
/** A quarter of an hour can be looked at step by step, each with the minute before it; whole minutes go. */
const fineForMs = 17 * 60_000
const keptMs = 3_600_000

type Row<Name> = { readonly name: Name; cells: Cell[] }

export class Cells<Name> {
  readonly #rowsMax: number
  readonly #rows = new Map<string, Row<Name>>()
  #forgotAtMs = Number.NEGATIVE_INFINITY

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax
  }

  get size(): number {
    return this.#rows.size
  }

  /** @returns false when there are too many rows for a new one */
  add(
    key: string,
    name: () => Name,
    { durationMs, isError }: { readonly durationMs: number; readonly isError: boolean },
    atMs: number,
  ): boolean {
    const row = this.#rows.get(key) ?? this.#newRow(key, name, atMs)
    if (row === undefined) return false
    const cell = cellOf(row, Math.floor(atMs / cellMs) * cellMs)
    cell.count += 1
    if (isError) cell.errors += 1
    cell.sumMs += durationMs
    if (durationMs > cell.maxMs) cell.maxMs = durationMs
    cell.durations.add(durationMs)
    return true
  }

  /** Rows with the cells that begin in [fromMs, toMs); those without any are left out. */
  *between(fromMs: number, toMs: number): Iterable<CellRow<Name>> {
    for (const { name, cells } of this.#rows.values()) {
      const found = cells.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
      if (found.length > 0) yield { name, cells: found }
    }
  }

  /** Names of all rows. */
  *names(): Iterable<Name> {
    for (const { name } of this.#rows.values()) yield name
  }

  /** Lets go of rows that say nothing for an hour, and of those from a time that the clock has been set back from. */
  forget(nowMs: number): void {
    this.#forgotAtMs = nowMs
    for (const [key, { cells }] of this.#rows) {
      const lastMs = cells.at(-1)?.atMs ?? 0
      if (lastMs < nowMs - keptMs || lastMs > nowMs + keptMs) this.#rows.delete(key)
    }
  }

  #newRow(key: string, name: () => Name, atMs: number): Row<Name> | undefined {
    // Names may be made up as fast as spans come: looking at all rows for each would be what stops us.
    if (this.#rows.size >= this.#rowsMax && Math.abs(atMs - this.#forgotAtMs) >= cellMs) this.forget(atMs)
    if (this.#rows.size >= this.#rowsMax) return undefined
    const row = { name: name(), cells: [] }
    this.#rows.set(key, row)
    return row
  }
}

/** Cells are in the order of time; nearly always it is the last one that is wanted. */
function cellOf<Name>(row: Row<Name>, atMs: number): Cell {
  for (let at = row.cells.length - 1; at >= 0; at -= 1) {
    const cell = row.cells[at]
    if (cell === undefined || cell.atMs < atMs) break
    if (cell.atMs === atMs) return cell
  }
  const cell: Cell = { atMs, count: 0, errors: 0, sumMs: 0, maxMs: 0, durations: new Durations() }
  const behind = row.cells.findIndex((one) => one.atMs > atMs)
  if (behind < 0) row.cells.push(cell)
  else row.cells.splice(behind, 0, cell)
  row.cells = compacted(row.cells, atMs)
  return cell
}

/** Drops what is an hour off, either way (a clock was set); makes minutes of what is older than a quarter of one. */
function compacted(cells: Cell[], nowMs: number): Cell[] {
  const first = cells[0]
  if (first === undefined) return cells
  const latestMs = nowMs + keptMs + coarseCellMs
  const isTooOld = first.atMs < nowMs - keptMs - coarseCellMs || (cells.at(-1)?.atMs ?? 0) > latestMs
  const fine = cells.findIndex(({ atMs }) => atMs % coarseCellMs !== 0)
  const isTooFine = fine >= 0 && (cells[fine]?.atMs ?? nowMs) < nowMs - fineForMs - coarseCellMs
  if (!isTooOld && !isTooFine) return cells
  const kept: Cell[] = []
  for (const cell of cells) {
    if (cell.atMs < nowMs - keptMs || cell.atMs > latestMs) continue
    const minute = Math.floor(cell.atMs / coarseCellMs) * coarseCellMs
    const last = kept.at(-1)
    if (minute >= nowMs - fineForMs || last?.atMs !== minute)
      kept.push(minute >= nowMs - fineForMs ? cell : { ...cell, atMs: minute })
    else mergeCell(last, cell)
  }
  return kept
}

/** Adds the second to the first. */
export function mergeCell(into: Cell, cell: Cell): void {
  into.count += cell.count
  into.errors += cell.errors
  into.sumMs += cell.sumMs
  into.maxMs = Math.max(into.maxMs, cell.maxMs)
  into.durations.merge(cell.durations)
}
