/** Cuts the bytes of a connection into frames: an int32 length, then as many bytes. */

export class FrameTooLarge extends Error {
  override readonly name = 'FrameTooLarge'
}

export class Frames {
  #bytesMax: number
  #chunks: Buffer[] = []
  #buffered = 0
  /** Length of the frame that is being collected; null while its length is not known. */
  #wanted: number | null = null

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** From now on frames may be so large. */
  allow(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  /** Whether a frame has begun that isn't complete. */
  get isPartial(): boolean {
    return this.#wanted !== null || this.#buffered > 0
  }

  /** The length of that frame; 0 while it isn't known. */
  get announced(): number {
    return this.#wanted ?? 0
  }

  /** Takes what arrived and gives the frames that are complete. Throws FrameTooLarge. */
  *push(chunk: Buffer): Iterable<Buffer> {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    for (;;) {
      if (this.#wanted === null) {
        if (this.#buffered < 4) return
        const length = this.#take(4).readInt32BE(0)
        if (length < 0 || length > this.#bytesMax) {
          throw new FrameTooLarge(`a frame of ${length} bytes; the limit is ${this.#bytesMax}`)
        }
        this.#wanted = length
      }
      if (this.#buffered < this.#wanted) return
      const frame = this.#take(this.#wanted)
      this.#wanted = null
      yield frame
    }
  }

  /** The first bytes, as a slice where they are in one chunk. */
  #take(bytes: number): Buffer {
    const [first] = this.#chunks
    this.#buffered -= bytes
    if (first === undefined || bytes === 0) return Buffer.alloc(0)
    if (first.length > bytes) {
      this.#chunks[0] = first.subarray(bytes)
      return first.subarray(0, bytes)
    }
    if (first.length === bytes) {
      this.#chunks.shift()
      return first
    }
    const all = Buffer.concat(this.#chunks, this.#buffered + bytes)
    this.#chunks = all.length > bytes ? [all.subarray(bytes)] : []
    return all.subarray(0, bytes)
  }
}
