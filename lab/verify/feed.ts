/** A WebSocket client of the notification stream, as a browser is one. */
import {
  bearerSubprotocolPrefix,
  type NotificationFrame,
  type ServerMessage,
  serverMessage,
  streamPath,
  subprotocol,
} from '@svyaz/contracts/socket/notifications.ts'
import { until } from '@svyaz/observe/until.ts'

export class Feed {
  readonly messages: ServerMessage[] = []
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** Resolves with the server's hello. @throws Error when the socket is refused. */
  static async open(gateway: string, token: string, cursor = 0): Promise<Feed> {
    const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}${streamPath}?cursor=${cursor}`, [
      subprotocol,
      `${bearerSubprotocolPrefix}${token}`,
    ])
    const feed = new Feed(socket)
    const greeted = Promise.withResolvers<void>()
    socket.onmessage = ({ data }) => {
      const message = serverMessage.parse(JSON.parse(String(data)))
      feed.messages.push(message)
      if (message.type === 'hello') greeted.resolve()
    }
    socket.onerror = () => greeted.reject(new Error('the notification stream could not be opened'))
    socket.onclose = ({ code }) => greeted.reject(new Error(`the notification stream was closed with ${code}`))
    await greeted.promise
    return feed
  }

  get frames(): NotificationFrame[] {
    return this.messages.flatMap((message) => (message.type === 'notification' ? [message.data] : []))
  }

  get positions(): number {
    return this.messages.filter((message) => message.type === 'position').length
  }

  untilFrame(orderId: string, kinds: readonly string[], timeoutMs = 40_000): Promise<NotificationFrame> {
    return until(
      `a frame ${kinds.join(' or ')} of order ${orderId}`,
      () => this.frames.find((frame) => frame.orderId === orderId && kinds.includes(frame.kind)),
      { timeoutMs, everyMs: 30 },
    )
  }

  close(): void {
    this.#socket.onclose = null
    this.#socket.close(1000)
  }
}
