/** The gateway's WebSocket of one user's notifications, held until it ends. */
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import type { ServerMessage } from '@svyaz/contracts/socket/notifications.ts'
import WebSocket from 'ws'
import { bearer } from './gateway-session.ts'
import { limits } from './limits.ts'
import { Unreachable } from './requests.ts'

/** contracts/socket/notifications.ts says so too; importing it would load its schemas into this process (a test compares). */
export const streamPath = '/notifications/stream'

/** Codes by which the stream says why it closes: the token has ended; there is nothing at this cursor (any more). */
export const closedFor = { token: 4401, cursor: 4400 } as const

export interface StreamOptions {
  /** http://host:port */
  readonly gateway: string
  readonly tokens: Tokens
  /** The last frame that isn't wanted again; 0: all of them. */
  readonly cursor: number
  heard(message: ServerMessage): void
}

/**
 * Hears the stream until it is closed, or until the signal aborts; a peer that doesn't answer pings is cut off.
 *
 * @returns the code that it was closed with
 * @throws Unreachable with the status of a refused handshake; whatever broke the socket
 */
export async function hearNotifications(options: StreamOptions, signal: AbortSignal): Promise<number> {
  const { gateway, tokens, cursor } = options
  const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}${streamPath}?cursor=${cursor}`, {
    headers: bearer(tokens),
    handshakeTimeout: limits.callTimeoutMs,
    maxPayload: 256 * 1024,
    perMessageDeflate: false,
  })
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>()
  const stop = () => socket.terminate()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const pings = keepAlive(socket)
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    const status = response.statusCode
    reject(new Unreachable(`the notification stream answered ${status}`, { status }))
  })
  socket.on('error', reject)
  socket.on('close', resolve)
  socket.on('message', (data) => options.heard(JSON.parse(String(data)) as ServerMessage))
  try {
    return await ended
  } finally {
    clearInterval(pings)
    signal.removeEventListener('abort', stop)
    socket.terminate()
  }
}

/** Pings now and then; whoever has said nothing since the last ping is gone. */
function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let alive = true
  const heard = () => {
    alive = true
  }
  socket.on('pong', heard)
  socket.on('message', heard)
  return setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, limits.pingEveryMs)
}
