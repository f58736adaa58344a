/** A streamed body on its way into a connection: with its length, or in chunks (RFC 9112, 7.1). */
import type { Socket } from 'node:net'
import { Failure } from '@svyaz/kit'
import type { BodySink } from '../request-body.ts'

export class BodyWriter implements BodySink {
  readonly #socket: Socket
  /** Undefined: in chunks. */
  readonly #bytes: number | undefined
  readonly #over: (failure: Failure | undefined) => void
  #written = 0

  /**
   * @param bytes how long it was announced to be; undefined: in chunks
   * @param over called once, when all of it was written, or with why it can't be
   */
  constructor(socket: Socket, bytes: number | undefined, over: (failure: Failure | undefined) => void) {
    this.#socket = socket
    this.#bytes = bytes
    this.#over = over
  }

  write(chunk: Buffer): boolean {
    // An empty chunk would be the last one.
    if (chunk.length === 0) return true
    this.#written += chunk.length
    if (this.#bytes !== undefined) {
      if (this.#written <= this.#bytes) return this.#socket.write(chunk)
      this.#over(mismatch())
      return false
    }
    this.#socket.cork()
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    this.#socket.write(chunk)
    const goOn = this.#socket.write('\r\n', 'latin1')
    this.#socket.uncork()
    return goOn
  }

  end(): void {
    if (this.#bytes !== undefined && this.#written !== this.#bytes) return this.#over(mismatch())
    if (this.#bytes === undefined) this.#socket.write('0\r\n\r\n', 'latin1')
    this.#over(undefined)
  }

  fail(failure: Failure): void {
    this.#over(failure)
  }
}

const mismatch = (): Failure => new Failure('invalid_request', 'the body is not as long as it was announced to be')
