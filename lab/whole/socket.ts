/** A WebSocket client of `/notifications/stream`, as a browser is one: the token travels as a subprotocol. */
import {
  bearerSubprotocolPrefix,
  type NotificationFrame,
  type ServerMessage,
  serverMessage,
  streamPath,
  subprotocol,
} from '@svyaz/contracts/socket/notifications.ts'

export class Feed {
  readonly userId: string
  /** Frames after this were asked for at the first connection. */
  readonly after: number
  readonly messages: ServerMessage[] = []
  readonly #base: string
  readonly #user: { readonly token: string }
  #socket: WebSocket | undefined

  constructor(base: string, user: { id: string; token: string }, after = 0) {
    this.#base = base.replace(/^http/, 'ws')
    this.#user = user
    this.userId = user.id
    this.after = after
  }

  /** Connects, resuming after the last frame that it has; resolves with the server's hello. */
  async open(): Promise<void> {
    const cursor = this.frames.at(-1)?.cursor ?? this.after
    const socket = new WebSocket(`${this.#base}${streamPath}?cursor=${cursor}`, [
      subprotocol,
      `${bearerSubprotocolPrefix}${this.#user.token}`,
    ])
    this.#socket = socket
    await new Promise<void>((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        const message = serverMessage.parse(JSON.parse(String(data)))
        this.messages.push(message)
        if (message.type === 'hello') resolve()
      }
      socket.onerror = () => reject(new Error(`the WebSocket of user ${this.userId} could not be opened`))
      socket.onclose = ({ code }) => reject(new Error(`the WebSocket was closed with ${code} before its hello`))
    })
  }

  /** Resolves with the close code. */
  closed(): Promise<number> {
    const socket = this.#socket!
    return new Promise((resolve) => {
      socket.onclose = ({ code }) => resolve(code)
    })
  }

  async close(): Promise<void> {
    if (this.#socket === undefined || this.#socket.readyState === WebSocket.CLOSED) return
    const closed = this.closed()
    this.#socket.close(1000)
    await closed
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  get frames(): NotificationFrame[] {
    return this.messages.flatMap((message) => (message.type === 'notification' ? [message.data] : []))
  }

  framesOf(orderId: string): string[] {
    return this.frames.filter((frame) => frame.orderId === orderId).map((frame) => frame.kind)
  }
}
