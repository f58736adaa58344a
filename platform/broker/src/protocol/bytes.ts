/**
 * Reading and writing the primitive types of the Kafka protocol (its "Protocol Primitive Types"). All integers are
 * big-endian; a varint carries seven bits a byte, least significant first.
 */

/** What a peer sent is not a message of the protocol. The connection that carried it is closed. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

export class Reader {
  readonly #buffer: Buffer
  #at: number

  /** Reads `buffer` from byte `at` to its end. Slices handed out share its memory. */
  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer
    this.#at = at
  }

  get remaining(): number {
    return this.#buffer.length - this.#at
  }

  #take(bytes: number): number {
    const at = this.#at
    if (bytes < 0 || at + bytes > this.#buffer.length) {
      throw new MalformedMessage(`${bytes} bytes wanted at byte ${at} of ${this.#buffer.length}`)
    }
    this.#at = at + bytes
    return at
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4))
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8))
  }

  /** At most five bytes; the value is an unsigned 32-bit integer. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.#buffer[this.#take(1)] as number
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) throw new MalformedMessage('a varint is longer than 32 bits')
        return value
      }
    }
    throw new MalformedMessage('a varint is longer than five bytes')
  }

  /** Canonical lower-case text, 8-4-4-4-12. */
  uuid(): string {
    const at = this.#take(16)
    const hex = this.#buffer.toString('hex', at, at + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  text(bytes: number): string {
    const at = this.#take(bytes)
    return this.#buffer.toString('utf8', at, at + bytes)
  }

  slice(bytes: number): Buffer {
    const at = this.#take(bytes)
    return this.#buffer.subarray(at, at + bytes)
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }
}

const FIRST_CHUNK_BYTES = 512
const CHUNK_BYTES_MAX = 64 * 1024

/** Collects a message as a list of buffers, so that record batches go out by reference. */
export class Writer {
  readonly #parts: Buffer[] = []
  #chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES)
  /** Where the part of the chunk that is not yet in #parts begins. */
  #from = 0
  #at = 0
  #finishedBytes = 0

  get length(): number {
    return this.#finishedBytes + this.#at - this.#from
  }

  #reserve(bytes: number): number {
    if (this.#at + bytes > this.#chunk.length) {
      this.#seal()
      const grown = Math.min(this.#chunk.length * 2, CHUNK_BYTES_MAX)
      this.#chunk = Buffer.allocUnsafe(Math.max(grown, bytes))
      this.#from = 0
      this.#at = 0
    }
    const at = this.#at
    this.#at = at + bytes
    return at
  }

  #seal(): void {
    if (this.#at === this.#from) return
    this.#parts.push(this.#chunk.subarray(this.#from, this.#at))
    this.#finishedBytes += this.#at - this.#from
    this.#from = this.#at
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#chunk.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#chunk.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#chunk.writeInt32BE(value, at)
  }

  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#chunk.writeBigInt64BE(value, at)
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#byte(rest)
  }

  #byte(value: number): void {
    const at = this.#reserve(1)
    this.#chunk[at] = value
  }

  uuid(value: string): void {
    const at = this.#reserve(16)
    const written = this.#chunk.write(value.replaceAll('-', ''), at, 16, 'hex')
    if (written !== 16) throw new TypeError(`${value} is not a UUID`)
  }

  text(value: string, bytes: number): void {
    const at = this.#reserve(bytes)
    this.#chunk.write(value, at, bytes, 'utf8')
  }

  /** Appends the buffer itself, not a copy: it must not change until the message is sent. */
  reference(buffer: Buffer): void {
    if (buffer.length === 0) return
    this.#seal()
    this.#parts.push(buffer)
    this.#finishedBytes += buffer.length
  }

  /** The message so far, in order. */
  parts(): readonly Buffer[] {
    this.#seal()
    return this.#parts
  }
}
