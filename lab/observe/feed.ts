/** A WebSocket client of the notification stream, as a browser is one: the token travels as a subprotocol. */
import { setTimeout as delay } from 'node:timers/promises'
import {
  bearerSubprotocolPrefix,
  type NotificationFrame,
  type ServerMessage,
  serverMessage,
  streamPath,
  subprotocol,
} from '@svyaz/contracts/socket/notifications.ts'
import { until } from './until.ts'

export interface FeedUser {
  readonly id: string
  readonly token: string
}

const openAgainMs = 200

/** One user's stream, over as many connections as it takes: each resumes after the last frame that came. */
export class Feed<User extends FeedUser = FeedUser> implements AsyncDisposable {
  /** Whose token is used when a connection opens. */
  readonly user: User
  /** Frames after this cursor were asked for at the first connection. */
  readonly after: number
  readonly messages: ServerMessage[] = []
  readonly #base: string
  readonly #over = new AbortController()
  #socket: WebSocket | undefined
  #closed: Promise<number> = Promise.resolve(0)
  #living: Promise<void> | undefined

  /** @param gateway its URL */
  constructor(gateway: string, user: User, after = 0) {
    this.#base = gateway.replace(/^http/, 'ws')
    this.user = user
    this.after = after
  }

  /** Resolves with the server's hello. @throws Error when the stream is refused */
  async open(): Promise<this> {
    const socket = new WebSocket(`${this.#base}${streamPath}?cursor=${this.last}`, [
      subprotocol,
      `${bearerSubprotocolPrefix}${this.user.token}`,
    ])
    this.#socket = socket
    const greeted = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<number>()
    this.#closed = closed.promise
    socket.onmessage = ({ data }) => {
      // A connection that was given up must not bring frames of its own beside the next one's.
      if (this.#socket !== socket) return
      const message = serverMessage.parse(JSON.parse(String(data)))
      this.messages.push(message)
      if (message.type === 'hello') greeted.resolve()
    }
    const over = (code: number) => {
      closed.resolve(code)
      greeted.reject(new Error(`the notification stream of user ${this.user.id} was closed with ${code}`))
    }
    socket.onerror = () => over(1006)
    socket.onclose = ({ code }) => over(code)
    await greeted.promise
    return this
  }

  /** Opens it, and opens it again whenever it breaks, until it is disposed of. */
  keepOpen(): this {
    this.#living ??= this.#live()
    return this
  }

  /** Cuts the connection as a bad network does. */
  cut(): void {
    this.#socket?.close()
  }

  /** Resolves with the close code of this connection. */
  closed(): Promise<number> {
    return this.#closed
  }

  async close(): Promise<void> {
    this.#socket?.close(1000)
    await this.#closed
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  get frames(): NotificationFrame[] {
    return this.messages.flatMap((message) => (message.type === 'notification' ? [message.data] : []))
  }

  /** Cursor of the last frame. */
  get last(): number {
    const message = this.messages.findLast(({ type }) => type === 'notification')
    return message?.type === 'notification' ? message.data.cursor : this.after
  }

  /** How often a parcel's place was told. */
  get positions(): number {
    return this.messages.filter(({ type }) => type === 'position').length
  }

  framesOf(orderId: string): string[] {
    return this.frames.filter((frame) => frame.orderId === orderId).map((frame) => frame.kind)
  }

  untilFrame(orderId: string, kinds: readonly string[], timeoutMs = 40_000): Promise<NotificationFrame> {
    return until(
      `a frame ${kinds.join(' or ')} of order ${orderId}`,
      () => this.frames.find((frame) => frame.orderId === orderId && kinds.includes(frame.kind)),
      { timeoutMs, everyMs: 30 },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.close()
    await this.#living
  }

  async #live(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      await this.open().then(
        () => this.closed(),
        () => undefined,
      )
      await delay(openAgainMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
