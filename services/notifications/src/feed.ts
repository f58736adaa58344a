/**
 * The WebSocket feed (reliability rule 10): frames are rows with a per-user cursor; each instance tails them for its own
 * sockets, woken by NOTIFY and by a poll. A socket gets what lies after its cursor, in order, each once.
 */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import {
  closeCodes,
  type NotificationFrame,
  type ServerMessage,
  streamPath,
} from '@svyaz/contracts/socket/notifications.ts'
import { type PollLoop, pollLoop, type Socket, type SocketHandler, together } from '@svyaz/kit'
import { limits } from './config.ts'
import { startOf } from './start-of.ts'
import {
  type FrameRow,
  frameOf,
  framesAfter,
  lastCursor,
  lastCursors,
  lockKeys,
  markFrames,
  type NotificationsContext,
} from './storage.ts'

export const feedChannel = 'frames'

interface Reader {
  userId: string
  cursor: number
  socket: Socket
  open: boolean
  /** One pump at a time; a wake during it makes another round. */
  pumping: boolean
  again: boolean
}

export interface Feed {
  handler: SocketHandler
  worker: PollLoop
  /** There may be something new for the user. */
  wake(userId: string): void
  /** Sends to the user's open sockets what is not kept: where a parcel is. */
  push(userId: string, message: ServerMessage): void
  /** Called with each durable frame that a socket of this instance took. */
  onFrame(listener: (frame: NotificationFrame) => void): void
}

/** The feeds of all users: frames by cursor, and whoever reads them now. */
export const createFeed = (context: NotificationsContext): Feed => {
  const readers = new Map<string, Set<Reader>>()
  const listeners: ((frame: NotificationFrame) => void)[] = []
  context.metrics
    .gauge('svyaz_websockets_open', 'Open notification streams')
    .collect(() => [...readers.values()].reduce((sum, set) => sum + set.size, 0))

  const saySentTogether = together<readonly FrameRow[], void>(limits.feedsMarkedTogether, async (groups) => {
    await saySent(context, groups.flat())
    return groups.map(() => undefined)
  })
  const noteSent = async (taken: readonly FrameRow[]): Promise<void> => {
    try {
      await saySentTogether(taken)
    } catch (error) {
      context.log.warn({ frames: taken.length, error: String(error) }, 'frames went out and the story will not say so')
    }
  }

  const pump = async (reader: Reader): Promise<void> => {
    reader.again = true
    if (reader.pumping) return
    reader.pumping = true
    try {
      while (reader.again && reader.open) {
        reader.again = false
        const rows = await framesAfter(context, reader.userId, reader.cursor)
        const taken: FrameRow[] = []
        let takes = true
        for (const row of rows) {
          if (!reader.open) break
          const frame = frameOf(row)
          const message: ServerMessage = { type: 'notification', data: frame }
          const sent = reader.socket.send(message, { traceparent: row.traceparent ?? undefined })
          takes = sent
          if (!takes) break
          reader.cursor = Number(row.cursor)
          for (const listener of listeners) listener(frame)
          if (row.sent_at === null) taken.push(row)
        }
        // Not waited for: the user's next frame has nothing to do with what is noted of this one.
        if (taken.length > 0) void noteSent(taken)
        if (!takes) return
        if (rows.length === limits.framesPerRead) reader.again = true
      }
    } catch (error) {
      // The poll comes back to it.
      context.log.warn({ userId: reader.userId, error: String(error) }, 'frames could not be read')
    } finally {
      reader.pumping = false
    }
  }

  const wake = (userId: string): void => {
    for (const reader of readers.get(userId) ?? []) void pump(reader)
  }

  return {
    wake,
    push(userId, message) {
      for (const reader of readers.get(userId) ?? []) reader.socket.send(message)
    },
    onFrame: (listener) => void listeners.push(listener),
    handler: {
      path: streamPath,
      async open(socket, { caller, query }) {
        const userId = caller.userId
        const last = await lastCursor(context, userId)
        const start = startOf(query, last)
        if (typeof start === 'string') return socket.close(closeCodes.badRequest, start)
        const reader: Reader = { userId, cursor: start, socket, open: true, pumping: false, again: false }
        socket.onClose(() => {
          reader.open = false
          const set = readers.get(userId)
          set?.delete(reader)
          if (set?.size === 0) readers.delete(userId)
        })
        readers.set(userId, (readers.get(userId) ?? new Set()).add(reader))
        socket.send({ type: 'hello', userId, cursor: last, instance: context.instance } satisfies ServerMessage)
        await pump(reader)
      },
    },
    worker: pollLoop({
      name: 'feed',
      everyMs: limits.feedEveryMs,
      clock: context.clock,
      async once() {
        const lasts = await lastCursors(context, [...readers.keys()])
        for (const [userId, set] of readers) {
          for (const reader of set) if ((lasts.get(userId) ?? 0) > reader.cursor) void pump(reader)
        }
        return 0
      },
    }),
  }
}

/** The first socket that takes a frame says so, for the story; other instances find it said. */
export const saySent = (context: NotificationsContext, rows: readonly FrameRow[]): Promise<void> =>
  context.database.transaction(async (tx) => {
    const said = await markFrames(tx, rows)
    if (said.length === 0) return
    const keyOf = (row: FrameRow): string => row.order_id ?? row.user_id
    await lockKeys(tx, said.map(keyOf))
    await context.outbox.add(
      tx,
      ...said.map((row) => {
        const { kind, orderId, cursor } = frameOf(row)
        return {
          topic: notificationsEvents,
          type: 'frame.sent' as const,
          key: keyOf(row),
          traceparent: row.traceparent ?? undefined,
          data: {
            userId: row.user_id,
            ...(orderId === undefined ? {} : { orderId }),
            kind,
            cursor,
            at: context.clock.iso(),
          },
        }
      }),
    )
  })
