/**
 * The WebSocket feed (reliability rule 10): frames are rows with a per-user cursor; each instance tails them for its own
 * sockets, woken by NOTIFY and by a poll. A socket gets what lies after its cursor, in order, each once.
 */
import {
  closeCodes,
  type NotificationFrame,
  type ServerMessage,
  streamPath,
} from '@svyaz/contracts/socket/notifications.ts'
import { pollLoop, type Socket, type SocketHandler, type Worker } from '@svyaz/kit'
import { limits } from './config.ts'
import { startOf } from './start-of.ts'
import { type FrameRow, frameOf, framesAfter, lastCursor, lastCursors, type NotificationsContext } from './storage.ts'
import { TakenFrames } from './taken-frames.ts'

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
  workers: readonly Worker[]
  /** There may be something new for the user; undefined: for anybody. */
  wake(userId?: string): void
  /** These are new, committed, and all that is new as far as this instance knows. */
  offer(rows: readonly FrameRow[]): void
  /** Sends to the user's open sockets what is not kept: where a parcel is. */
  push(userId: string, message: ServerMessage): void
  /** Called with each durable frame that a socket of this instance took. */
  onFrame(listener: (frame: NotificationFrame) => void): void
}

/** The feeds of all users: frames by cursor, and whoever reads them now. */
export const createFeed = (context: NotificationsContext): Feed => new Feeds(context)

class Feeds implements Feed {
  readonly handler: SocketHandler
  readonly workers: readonly Worker[]
  readonly #context: NotificationsContext
  readonly #readers = new Map<string, Set<Reader>>()
  readonly #listeners: ((frame: NotificationFrame) => void)[] = []
  readonly #taken: TakenFrames

  constructor(context: NotificationsContext) {
    this.#context = context
    this.handler = { path: streamPath, open: (socket, { caller, query }) => this.#open(socket, caller.userId, query) }
    this.#taken = new TakenFrames(context)
    const looking = pollLoop({
      name: 'feed',
      everyMs: limits.feedEveryMs,
      clock: context.clock,
      once: () => this.#look(),
    })
    this.workers = [looking, this.#taken.worker]
    context.metrics
      .gauge('svyaz_websockets_open', 'Open notification streams')
      .collect(() => [...this.#readers.values()].reduce((sum, set) => sum + set.size, 0))
  }

  wake(userId?: string): void {
    const sets = userId === undefined ? this.#readers.values() : [this.#readers.get(userId) ?? []]
    for (const set of sets) for (const reader of set) void this.#pump(reader)
  }

  offer(rows: readonly FrameRow[]): void {
    for (const [userId, ofUser] of Map.groupBy(rows, (row) => row.user_id)) {
      for (const reader of this.#readers.get(userId) ?? []) {
        // What doesn't follow on what the socket has is read: the frames between are another instance's.
        const follows = Number(ofUser[0]!.cursor) === reader.cursor + 1
        if (follows && reader.open && !reader.pumping) this.#send(reader, ofUser)
        else void this.#pump(reader)
      }
    }
  }

  push(userId: string, message: ServerMessage): void {
    for (const reader of this.#readers.get(userId) ?? []) reader.socket.send(message)
  }

  onFrame(listener: (frame: NotificationFrame) => void): void {
    this.#listeners.push(listener)
  }

  async #open(socket: Socket, userId: string, query: URLSearchParams): Promise<void> {
    const last = await lastCursor(this.#context, userId)
    const start = startOf(query, last)
    if (typeof start === 'string') return socket.close(closeCodes.badRequest, start)
    const reader: Reader = { userId, cursor: start, socket, open: true, pumping: false, again: false }
    socket.onClose(() => {
      reader.open = false
      const set = this.#readers.get(userId)
      set?.delete(reader)
      if (set?.size === 0) this.#readers.delete(userId)
    })
    this.#readers.set(userId, (this.#readers.get(userId) ?? new Set()).add(reader))
    socket.send({ type: 'hello', userId, cursor: last, instance: this.#context.instance } satisfies ServerMessage)
    await this.#pump(reader)
  }

  /** The net under a lost NOTIFY. */
  async #look(): Promise<number> {
    const lasts = await lastCursors(this.#context, [...this.#readers.keys()])
    for (const [userId, set] of this.#readers) {
      for (const reader of set) if ((lasts.get(userId) ?? 0) > reader.cursor) void this.#pump(reader)
    }
    return 0
  }

  /** Reads what is behind the socket's cursor and sends it. */
  async #pump(reader: Reader): Promise<void> {
    reader.again = true
    if (reader.pumping) return
    reader.pumping = true
    try {
      while (reader.again && reader.open) {
        reader.again = false
        const rows = await framesAfter(this.#context, reader.userId, reader.cursor)
        if (!this.#send(reader, rows)) return
        if (rows.length === limits.framesPerRead) reader.again = true
      }
    } catch (error) {
      // The poll comes back to it.
      this.#context.log.warn({ userId: reader.userId, error: String(error) }, 'frames could not be read')
    } finally {
      reader.pumping = false
    }
  }

  /** False when the socket takes no more. */
  #send(reader: Reader, rows: readonly FrameRow[]): boolean {
    const taken: FrameRow[] = []
    let takes = true
    for (const row of rows) {
      if (!reader.open) break
      const frame = frameOf(row)
      const message: ServerMessage = { type: 'notification', data: frame }
      takes = reader.socket.send(message, { traceparent: row.traceparent ?? undefined })
      if (!takes) break
      reader.cursor = Number(row.cursor)
      for (const listener of this.#listeners) listener(frame)
      if (row.sent_at === null) taken.push(row)
    }
    // Not waited for: the user's next frame has nothing to do with what is noted of this one.
    if (taken.length > 0) this.#taken.note(taken)
    return takes
  }
}
