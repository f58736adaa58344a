/**
 * The sparse index of a partition segment: one entry per this many bytes, each at the start of a batch. Entry 0 is always
 * the first batch. Pure.
 */

export interface IndexEntry {
  /** Base offset of the batch. */
  readonly offset: number
  /** Where it starts in the file. */
  readonly position: number
  /** Newest timestamp among all batches before it, -1 when there is none. */
  readonly newestBefore: number
}

export type SegmentIndex = readonly IndexEntry[]

/** Takes the batches of a segment in order and keeps an entry per `intervalBytes`. */
export class IndexBuilder {
  readonly entries: IndexEntry[]
  readonly #intervalBytes: number
  #newest: number

  constructor(intervalBytes: number, start: SegmentIndex = [], newest = -1) {
    this.#intervalBytes = intervalBytes
    this.entries = [...start]
    this.#newest = newest
  }

  add(offset: number, position: number, maxTimestamp: number): void {
    const last = this.entries.at(-1)
    if (last === undefined || position - last.position >= this.#intervalBytes) {
      this.entries.push({ offset, position, newestBefore: this.#newest })
    }
    if (maxTimestamp > this.#newest) this.#newest = maxTimestamp
  }
}

/** The last entry at or before `offset`; the first one when `offset` lies before all. Undefined for an empty index. */
export function entryForOffset(index: SegmentIndex, offset: number): IndexEntry | undefined {
  return index[Math.max(0, firstWhere(index.length, (i) => index[i]!.offset > offset) - 1)]
}

/** The entry from which a scan finds the first batch with a timestamp at or above `timestamp`, if the segment has one. */
export function entryForTimestamp(index: SegmentIndex, timestamp: number): IndexEntry | undefined {
  return index[Math.max(0, firstWhere(index.length, (i) => index[i]!.newestBefore >= timestamp) - 1)]
}

/** The smallest i in 0..length for which `holds(i)`, given that it holds for everything behind too; length if none. */
export function firstWhere(length: number, holds: (i: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
