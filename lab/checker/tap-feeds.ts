/** WebSocket clients outside the system: each resumes after the last frame that it has, for as long as the run lasts. */
import { setTimeout as delay } from 'node:timers/promises'
import { bearerSubprotocolPrefix, streamPath, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import type { User } from './client.ts'

/** One user's stream, over as many connections as it takes. */
export class FeedTap implements AsyncDisposable {
  readonly user: User
  readonly cursors: number[] = []
  connections = 0
  readonly #base: string
  readonly #stopping = new AbortController()
  readonly #living: Promise<void>
  #socket: WebSocket | undefined

  constructor(base: string, user: User) {
    this.#base = base.replace(/^http/, 'ws')
    this.user = user
    this.#living = this.#live()
  }

  get last(): number {
    return this.cursors.at(-1) ?? 0
  }

  /** Cuts the connection as a bad network does; it comes back by itself. */
  cut(): void {
    this.#socket?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#socket?.close()
    await this.#living
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#connection()
      await delay(200, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
    }
  }

  /** Resolves when the connection is over. */
  #connection(): Promise<void> {
    const socket = new WebSocket(`${this.#base}${streamPath}?cursor=${this.last}`, [
      subprotocol,
      `${bearerSubprotocolPrefix}${this.user.token}`,
    ])
    this.#socket = socket
    this.connections += 1
    return new Promise((resolve) => {
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(String(data))
        // A connection that was given up must not bring frames of its own beside the next one's.
        if (message.type === 'notification' && this.#socket === socket) this.cursors.push(message.data.cursor)
      }
      socket.onerror = () => resolve()
      socket.onclose = () => resolve()
    })
  }
}
