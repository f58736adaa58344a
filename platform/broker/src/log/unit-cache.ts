/**
 * The newest units, as they were written: what consumers at the tail read. First in, first out, bounded in bytes over all
 * partitions. Because units are evicted in the order of the log, whoever finds one batch here finds all later ones too.
 */
import { firstWhere } from './segment-index.ts'

interface CachedUnit {
  readonly walSegment: number
  /** In the segment file. */
  readonly position: number
  readonly unit: Buffer
}

const COMPACT_AFTER = 1024

export class UnitCache {
  readonly #bytesMax: number
  #units: CachedUnit[] = []
  #first = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(walSegment: number, position: number, unit: Buffer): void {
    this.#units.push({ walSegment, position, unit })
    this.#bytes += unit.length
    while (this.#bytes > this.#bytesMax) this.#evictFirst()
  }

  /** Forgets the units of a segment that is gone, and all before it. */
  dropThrough(walSegment: number): void {
    while (this.#first < this.#units.length && this.#units[this.#first]!.walSegment <= walSegment) this.#evictFirst()
  }

  /** The bytes at a position of a segment file when they are in one cached unit, else null. */
  slice(walSegment: number, position: number, sizeBytes: number): Buffer | null {
    const count = this.#units.length - this.#first
    const behind = firstWhere(count, (i) => {
      const cached = this.#units[this.#first + i]!
      return cached.walSegment > walSegment || (cached.walSegment === walSegment && cached.position > position)
    })
    if (behind === 0) return null
    const { walSegment: segment, position: unitAt, unit } = this.#units[this.#first + behind - 1]!
    const at = position - unitAt
    if (segment !== walSegment || at + sizeBytes > unit.length) return null
    return unit.subarray(at, at + sizeBytes)
  }

  #evictFirst(): void {
    const evicted = this.#units[this.#first]!
    this.#bytes -= evicted.unit.length
    this.#first++
    if (this.#first >= COMPACT_AFTER && this.#first * 2 >= this.#units.length) {
      this.#units = this.#units.slice(this.#first)
      this.#first = 0
    }
  }
}
