/**
 * Connections of HTTP/1.1 whose client doesn't read: the answers stay in this process, those of pipelined requests too, and
 * a connection at work makes room for nobody. A WebSocket is one of them; what has nothing to send is not.
 */
import type { Server, Socket } from 'node:net'
import { isOverdue, lookedAt, type Outgoing, stoodStill, type Unread } from './unread.ts'

export interface UnreadOptions {
  readonly unreadMsMax: number
  /** How often it is looked: a client may have so much longer. */
  readonly checkEveryMs: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Nothing has left of what waits on this connection. It must be ended. */
  readonly cut: (socket: Socket) => void
}

/** Looks at every connection of a server while there is one. */
export function boundUnread(server: Server, { unreadMsMax, checkEveryMs, now, cut }: UnreadOptions): void {
  const connections = new Map<Socket, Unread | undefined>()
  let watch: NodeJS.Timeout | undefined
  let before = 0
  const look = () => {
    const at = now()
    const still = stoodStill(before, at, checkEveryMs)
    before = at
    for (const [socket, known] of connections) {
      const unread = lookedAt(still ? undefined : known, outgoingOf(socket), at)
      connections.set(socket, unread)
      if (isOverdue(unread, at, unreadMsMax)) cut(socket)
    }
  }
  server.on('connection', (socket) => {
    connections.set(socket, undefined)
    if (watch === undefined) before = now()
    watch ??= setInterval(look, checkEveryMs).unref()
    socket.once('close', () => {
      connections.delete(socket)
      if (connections.size > 0) return
      clearInterval(watch)
      watch = undefined
    })
  })
}

/** What Node counts of a connection: bytes handed to the kernel or queued for it, and those queued. In TLS, of its bytes. */
interface Handle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
  readonly _parent?: Handle
}

/**
 * One write of an answer may be all of it, so what has left is read where the kernel takes it. The kernel asks for more
 * when a third of its buffer is free: a reader so slow that this takes the whole time is taken for none.
 */
function outgoingOf(socket: Socket): Outgoing {
  const waiting = socket.writableLength
  if (waiting === 0) return { left: 0, waiting }
  let handle = (socket as { _handle?: Handle | null })._handle ?? {}
  while (handle._parent) handle = handle._parent
  return { left: (handle.bytesWritten ?? 0) - (handle.writeQueueSize ?? 0), waiting }
}
