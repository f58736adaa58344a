/** The client's response as what takes the body of a service's answer. */
import type { ServerResponse } from 'node:http'
import { isGone } from '@svyaz/listener'
import { breakOff } from './answers.ts'
import type { Receiver } from './upstream/call.ts'

/** Beyond this, making a string costs more than a second write. */
const textBytesMax = 16 * 1024

export class ClientReceiver implements Receiver {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get destroyed(): boolean {
    return isGone(this.#response)
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk)
  }

  end(last?: Buffer): void {
    if (last === undefined) this.#response.end()
    // node:http writes a string together with the head, but a Buffer beside it.
    else if (last.length <= textBytesMax) this.#response.end(last.toString('latin1'), 'latin1')
    else this.#response.end(Buffer.from(last))
  }

  destroy(): void {
    breakOff(this.#response)
  }

  once(event: 'drain', listener: () => void): void {
    this.#response.once(event, listener)
  }
}
