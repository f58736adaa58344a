/**
 * Spans that wait to be sent, as the bytes that will be sent. They wait for half a second, longer than the young
 * generation of the heap lives under load: as objects they were copied by every scavenge, which cost more than all the
 * rest of tracing. As bytes outside of the heap they are written once, when a span ends, and never looked at again.
 */

const bytesFirst = 16 * 1024
/** Of one UTF-16 unit in UTF-8. */
const bytesPerUnitMax = 3

export class SpanBatch {
  readonly #tail: string
  #bytes: Buffer
  #used: number
  #spans = 0

  /** @param frame what stands around the spans, which are parted by commas */
  constructor(frame: { readonly head: string; readonly tail: string }) {
    this.#tail = frame.tail
    this.#bytes = Buffer.allocUnsafeSlow(bytesFirst)
    this.#used = 0
    this.#write(frame.head)
  }

  get spans(): number {
    return this.#spans
  }

  /** Adds a span as its format writes it. */
  add(span: string): void {
    this.#write(this.#spans === 0 ? span : `,${span}`)
    this.#spans += 1
  }

  /** The whole body, as often as it is wanted; nothing can be added meanwhile. */
  body(): Uint8Array<ArrayBuffer> {
    const used = this.#used
    this.#write(this.#tail)
    const whole = this.#bytes.subarray(0, this.#used) as Uint8Array<ArrayBuffer>
    this.#used = used
    return whole
  }

  #write(text: string): void {
    const needed = this.#used + text.length * bytesPerUnitMax
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    this.#used += this.#bytes.write(text, this.#used)
  }
}
