/**
 * Memory for encoded spans, outside of JavaScript's heap, where a process has it while it keeps them and no longer. Texts
 * are written one behind the other into slabs; a long one has its own. What came first usually goes first, and whole slabs
 * with it; where it doesn't, and half as much as is kept would be wasted, the emptiest slab moves into the one that is
 * being filled.
 */

const SLAB_BYTES_MAX = 256 * 1024

/** Where one text is; only `SpanMemory` changes it. */
export type Place = { slab: Slab | undefined; at: number; readonly length: number }

type Slab = {
  readonly memory: Buffer
  usedBytes: number
  /** Of the places that are still in it. */
  keptBytes: number
  readonly places: Place[]
}

export class SpanMemory {
  readonly #slabBytes: number
  readonly #slabs = new Set<Slab>()
  #filling: Slab
  #bytes = 0
  #keptBytes = 0

  /** @param bytesMax what its user means to keep: slabs are small beside it */
  constructor(bytesMax: number) {
    this.#slabBytes = Math.min(SLAB_BYTES_MAX, Math.ceil(bytesMax / 16))
    this.#filling = this.#newSlab(this.#slabBytes)
  }

  /** Of memory that is held, whether it is kept or not. */
  get bytes(): number {
    return this.#bytes
  }

  /** @param place has the length of the text in bytes of UTF-8, and no slab yet */
  write(place: Place, text: string): void {
    this.#put(place).memory.write(text, place.at, 'utf8')
  }

  /** A view that holds until the next write or free. */
  read({ slab, at, length }: Place): Buffer {
    if (slab === undefined) throw new Error('nothing is kept at this place')
    return slab.memory.subarray(at, at + length)
  }

  free(place: Place): void {
    const { slab, length } = place
    if (slab === undefined) return
    place.slab = undefined
    slab.keptBytes -= length
    this.#keptBytes -= length
    if (slab.keptBytes === 0 && slab !== this.#filling) this.#drop(slab)
    else if (this.#bytes > this.#keptBytes * 1.5 + 2 * this.#slabBytes) this.#emptyEmptiest()
  }

  #emptyEmptiest(): void {
    const others = Iterator.from(this.#slabs).filter((slab) => slab !== this.#filling)
    const emptiest = others.reduce((a, b) => (a.keptBytes * b.memory.length <= b.keptBytes * a.memory.length ? a : b))
    for (const place of emptiest.places) {
      if (place.slab !== emptiest) continue
      const from = this.read(place)
      this.#keptBytes -= place.length
      this.#put(place).memory.set(from, place.at)
    }
    this.#drop(emptiest)
  }

  #put(place: Place): Slab {
    const slab = this.#slabFor(place.length)
    place.slab = slab
    place.at = slab.usedBytes
    slab.usedBytes += place.length
    slab.keptBytes += place.length
    this.#keptBytes += place.length
    slab.places.push(place)
    return slab
  }

  #slabFor(length: number): Slab {
    if (length * 2 > this.#slabBytes) return this.#newSlab(length)
    if (this.#filling.memory.length - this.#filling.usedBytes < length) {
      const full = this.#filling
      this.#filling = this.#newSlab(this.#slabBytes)
      if (full.keptBytes === 0) this.#drop(full)
    }
    return this.#filling
  }

  #drop(slab: Slab): void {
    this.#slabs.delete(slab)
    this.#bytes -= slab.memory.length
  }

  #newSlab(bytes: number): Slab {
    const slab = { memory: Buffer.allocUnsafeSlow(bytes), usedBytes: 0, keptBytes: 0, places: [] }
    this.#slabs.add(slab)
    this.#bytes += bytes
    return slab
  }
}
