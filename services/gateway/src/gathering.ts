/** The answer to a question of the gateway's own, gathered; a body that is too large for that flows on elsewhere. */
import { Failure } from '@svyaz/kit'
import type { Received } from './cache-rules.ts'
import type { Fields } from './headers.ts'
import type { Receiver } from './upstream/call.ts'

/** Where a body goes that is larger than what is gathered: gets status and fields, gives who takes all of it. */
export type Overflow = (status: number, fields: Fields) => Receiver

export class Gathering implements Receiver {
  readonly #bytesMax: number
  readonly #overflow: Overflow | undefined
  readonly #outcome = Promise.withResolvers<Received | 'overflow'>()
  #chunks: Buffer[] = []
  #bytes = 0
  #status = 0
  #fields: Fields = {}
  #beyond: Receiver | undefined

  /** Without `overflow` a body beyond `bytesMax` is a failure. */
  constructor(bytesMax: number, overflow?: Overflow) {
    this.#bytesMax = bytesMax
    this.#overflow = overflow
    // Nobody may be waiting yet when it fails.
    this.#outcome.promise.catch(() => undefined)
  }

  /** All of the answer, or that its body flows on elsewhere. Rejects with a Failure when it broke off. */
  get outcome(): Promise<Received | 'overflow'> {
    return this.#outcome.promise
  }

  get destroyed(): boolean {
    return this.#beyond?.destroyed ?? false
  }

  head(status: number, fields: Fields): void {
    this.#status = status
    this.#fields = fields
  }

  write(chunk: Buffer): boolean {
    if (this.#beyond !== undefined) return this.#beyond.write(chunk)
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    return this.#bytes <= this.#bytesMax || this.#flowOn()
  }

  once(event: 'drain', listener: () => void): unknown {
    return this.#beyond?.once(event, listener)
  }

  end(last?: Buffer): unknown {
    if (last !== undefined) {
      if (this.#beyond !== undefined) return this.#beyond.end(last)
      this.write(Buffer.from(last))
    }
    if (this.#beyond !== undefined) return this.#beyond.end()
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    return this.#outcome.resolve({ status: this.#status, fields: this.#fields, body })
  }

  destroy(): unknown {
    if (this.#beyond !== undefined) return this.#beyond.destroy()
    return this.#outcome.reject(new Failure('bad_gateway', 'the answer of the service broke off'))
  }

  #flowOn(): boolean {
    if (this.#overflow === undefined) {
      const failure = new Failure('bad_gateway', 'the answer of the service is too large')
      this.#outcome.reject(failure)
      throw failure
    }
    const beyond = this.#overflow(this.#status, this.#fields)
    this.#beyond = beyond
    this.#outcome.resolve('overflow')
    const gathered = Buffer.concat(this.#chunks)
    this.#chunks = []
    return beyond.write(gathered)
  }
}
