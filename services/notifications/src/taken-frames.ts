/**
 * Notes which frames sockets took, for the stories of orders. An order's frames follow each other within a second, and
 * nobody waits for the notes: the first is written at once, those of the next second together, one event for all of
 * an order.
 */
import { framesPerEventMax, notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { Failure, pollLoop, type Round, type Worker } from '@svyaz/kit'
import { limits } from './config.ts'
import { type FrameRow, frameKey, frameOf, lockKeys, markFrames, type NotificationsContext } from './storage.ts'

/** A frame, and when a socket took it. */
interface Taken {
  readonly row: FrameRow
  /** ISO 8601. */
  readonly at: string
}

export class TakenFrames {
  /** Writes what is noted; before it ends, all of it. */
  readonly worker: Worker
  readonly #context: NotificationsContext
  readonly #wake: () => void
  /** By frame: one that several sockets take, or one socket again, is noted once. */
  readonly #waiting = new Map<string, Taken>()

  constructor(context: NotificationsContext) {
    this.#context = context
    const loop = pollLoop({
      name: 'taken-frames',
      everyMs: 60_000,
      clock: context.clock,
      once: () => this.#round(),
    })
    this.#wake = loop.wake
    this.worker = {
      name: loop.name,
      run: async (signal) => {
        await loop.run(signal)
        while (this.#waiting.size > 0) await this.#write()
      },
    }
  }

  /** These were just handed to a socket. A kill before they are written leaves them out of the story. */
  note(rows: readonly FrameRow[]): void {
    if (this.#waiting.size + rows.length > limits.takenMax) {
      this.#unsaid(rows.length, 'too many wait to be noted')
      return
    }
    const at = this.#context.clock.iso()
    for (const row of rows) {
      const key = frameKey(row)
      if (!this.#waiting.has(key)) this.#waiting.set(key, { row, at })
    }
    this.#wake()
  }

  async #round(): Promise<Round> {
    if (this.#waiting.size === 0) return { done: 0, dueInMs: undefined }
    const done = await this.#write()
    return { done, dueInMs: undefined, restMs: this.#waiting.size < limits.takenTogether ? limits.takenEveryMs : 0 }
  }

  /** With the database away they stay to be written again, by the next run of the worker. */
  async #write(): Promise<number> {
    const taken = this.#waiting.values().take(limits.takenTogether).toArray()
    try {
      await saySent(this.#context, taken)
    } catch (error) {
      if (error instanceof Failure) throw error
      this.#unsaid(taken.length, error)
    }
    for (const { row } of taken) this.#waiting.delete(frameKey(row))
    return taken.length
  }

  #unsaid(frames: number, error: unknown): void {
    this.#context.log.warn({ frames, error: String(error) }, 'frames went out and the story will not say so')
  }
}

/** The first socket that takes a frame says so, for the story; other instances find it said. */
const saySent = (context: NotificationsContext, taken: readonly Taken[]): Promise<void> =>
  context.database.transaction(async (tx) => {
    const marked = new Set(
      await markFrames(
        tx,
        taken.map(({ row }) => row),
      ),
    )
    const said = taken.filter(({ row }) => marked.has(row))
    if (said.length === 0) return
    await lockKeys(
      tx,
      said.map(({ row }) => keyOf(row)),
    )
    await context.outbox.add(tx, ...groups(said).map(eventOf))
  })

const keyOf = (row: FrameRow): string => row.order_id ?? row.user_id

/** By order, or else by user, and by trace: a step of the story names the one that it is of. */
const groups = (said: readonly Taken[]): Taken[][] => {
  const traceOf = (row: FrameRow): string => row.traceparent?.slice(3, 35) ?? ''
  const all = Map.groupBy(said, ({ row }) => `${keyOf(row)} ${row.user_id} ${traceOf(row)}`)
  return [...all.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / framesPerEventMax) }, (_, part) =>
      group.slice(part * framesPerEventMax, (part + 1) * framesPerEventMax),
    ),
  )
}

const eventOf = (group: readonly Taken[]) => {
  const { row } = group[0]!
  return {
    topic: notificationsEvents,
    type: 'frames.sent' as const,
    key: keyOf(row),
    traceparent: row.traceparent ?? undefined,
    data: {
      userId: row.user_id,
      ...(row.order_id === null ? {} : { orderId: row.order_id }),
      frames: group.map((taken) => {
        const { kind, cursor } = frameOf(taken.row)
        return { kind, cursor, at: taken.at }
      }),
    },
  }
}
