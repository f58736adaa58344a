/**
 * The newest units, as they were written: what consumers at the tail read. First in, first out, bounded in bytes over all
 * partitions. Because units are evicted in the order of the log, whoever finds one batch here finds all later ones too.
 *
 * Units are encoded into slabs and evicted a slab at a time, and the bound counts slabs: a unit of 600 bytes taken from
 * Node's buffer pool would keep all 64 kB of that pool, whatever else they hold. No byte of a slab is written twice, so
 * what a slow reader is still being sent stays as it was after the slab has gone from here.
 */
import { firstWhere } from './segment-index.ts'

/** At most; an eighth of a smaller cache, and as much as it takes for a larger unit. */
const SLAB_BYTES_MAX = 1 << 20

interface CachedUnit {
  readonly walSegment: number
  /** In the segment file. */
  readonly position: number
  readonly unit: Buffer
}

interface Slab {
  readonly memory: Buffer
  usedBytes: number
  readonly units: CachedUnit[]
}

export class UnitCache {
  readonly #bytesMax: number
  readonly #slabBytes: number
  /** Oldest first; the last one is being filled. */
  readonly #slabs: Slab[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#slabBytes = Math.min(SLAB_BYTES_MAX, Math.ceil(bytesMax / 8))
  }

  /** Of memory, whether units fill it or not. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory for the next unit, to be filled and given to `add`. What isn't given there stays unused. */
  room(bytes: number): Buffer {
    let slab = this.#slabs.at(-1)
    if (slab === undefined || slab.memory.length - slab.usedBytes < bytes) {
      // Only the last slab may be without units, or `slice` would lose its way.
      if (slab?.units.length === 0) this.#bytes -= this.#slabs.pop()!.memory.length
      slab = { memory: Buffer.allocUnsafeSlow(Math.max(bytes, this.#slabBytes)), usedBytes: 0, units: [] }
      this.#slabs.push(slab)
      this.#bytes += slab.memory.length
      while (this.#bytes > this.#bytesMax && this.#slabs.length > 1) this.#evictFirst()
    }
    const from = slab.usedBytes
    slab.usedBytes += bytes
    return slab.memory.subarray(from, slab.usedBytes)
  }

  /** Keeps the unit whose memory was asked for last, unless it is larger than the whole cache. */
  add(walSegment: number, position: number, unit: Buffer): void {
    this.#slabs.at(-1)!.units.push({ walSegment, position, unit })
    while (this.#bytes > this.#bytesMax) this.#evictFirst()
  }

  /** Forgets the slabs that hold nothing but units of a segment that is gone, or of those before it. */
  dropThrough(walSegment: number): void {
    while (this.#slabs.length > 1 && !this.#slabs[0]!.units.some((cached) => cached.walSegment > walSegment))
      this.#evictFirst()
  }

  /** The bytes at a position of a segment file when they are in one cached unit, else null. */
  slice(walSegment: number, position: number, sizeBytes: number): Buffer | null {
    const isBehind = (cached: CachedUnit | undefined) =>
      cached === undefined ||
      cached.walSegment > walSegment ||
      (cached.walSegment === walSegment && cached.position > position)
    const slab = this.#slabs[firstWhere(this.#slabs.length, (i) => isBehind(this.#slabs[i]!.units[0])) - 1]
    if (slab === undefined) return null
    const cached = slab.units[firstWhere(slab.units.length, (i) => isBehind(slab.units[i])) - 1]
    if (cached === undefined || cached.walSegment !== walSegment) return null
    const at = position - cached.position
    return at + sizeBytes > cached.unit.length ? null : cached.unit.subarray(at, at + sizeBytes)
  }

  #evictFirst(): void {
    this.#bytes -= this.#slabs.shift()?.memory.length ?? 0
  }
}
