/**
 * Where the batches of one partition are in one write-ahead segment: columns of plain numbers, because a segment may hold
 * hundreds of thousands of small batches and an object for each would cost four times as much memory.
 */
import { firstWhere } from './segment-index.ts'

const INITIAL_ROWS = 4

export class BatchTable {
  readonly walSegment: number
  count = 0
  bytes = 0
  /** Newest timestamp of all batches, -1 when none carries one. */
  newest = -1
  #baseOffsets = new Float64Array(INITIAL_ROWS)
  #nextOffsets = new Float64Array(INITIAL_ROWS)
  #maxTimestamps = new Float64Array(INITIAL_ROWS)
  #positions = new Float64Array(INITIAL_ROWS)
  #sizes = new Uint32Array(INITIAL_ROWS)

  constructor(walSegment: number) {
    this.walSegment = walSegment
  }

  add(baseOffset: number, nextOffset: number, maxTimestamp: number, position: number, sizeBytes: number): void {
    if (this.count === this.#sizes.length) this.#grow()
    this.#baseOffsets[this.count] = baseOffset
    this.#nextOffsets[this.count] = nextOffset
    this.#maxTimestamps[this.count] = maxTimestamp
    this.#positions[this.count] = position
    this.#sizes[this.count] = sizeBytes
    this.count++
    this.bytes += sizeBytes
    if (maxTimestamp > this.newest) this.newest = maxTimestamp
  }

  baseOffset(row: number): number {
    return this.#baseOffsets[row]!
  }

  nextOffset(row: number): number {
    return this.#nextOffsets[row]!
  }

  maxTimestamp(row: number): number {
    return this.#maxTimestamps[row]!
  }

  /** Of the batch in the write-ahead file. */
  position(row: number): number {
    return this.#positions[row]!
  }

  sizeBytes(row: number): number {
    return this.#sizes[row]!
  }

  /** One above the last offset; the table must not be empty. */
  end(): number {
    return this.#nextOffsets[this.count - 1]!
  }

  /** The row of the batch that contains `offset`, or of the first one behind it; `count` when there is none. */
  rowOf(offset: number): number {
    return firstWhere(this.count, (row) => this.#nextOffsets[row]! > offset)
  }

  #grow(): void {
    const rows = this.count * 2
    this.#baseOffsets = copyInto(new Float64Array(rows), this.#baseOffsets)
    this.#nextOffsets = copyInto(new Float64Array(rows), this.#nextOffsets)
    this.#maxTimestamps = copyInto(new Float64Array(rows), this.#maxTimestamps)
    this.#positions = copyInto(new Float64Array(rows), this.#positions)
    this.#sizes = copyInto(new Uint32Array(rows), this.#sizes)
  }
}

function copyInto<T extends Float64Array | Uint32Array>(target: T, source: T): T {
  target.set(source)
  return target
}
