/**
 * One queue that this instance consumes, on a channel of its own: its records are handled in their order, as many
 * together as wait, and acknowledged behind that. With the channel closed, the server puts back what isn't acknowledged
 * before anything else is delivered, so the order holds for whoever comes next.
 */
import type { Channel, ConsumeMessage } from 'amqplib'
import { within } from '../../process/waiting.ts'
import type { RecordHandling } from '../transport.ts'
import type { RabbitConnection, RabbitContext } from './connection.ts'
import { toRecord } from './records.ts'
import { rabbitSettings, rabbitTimings } from './settings.ts'

export interface LaneOptions {
  readonly topic: string
  readonly queue: string
  readonly handle: RecordHandling
  /** A checker's sabotage: the server forgets a record when it is delivered. */
  readonly acknowledgedEarly: boolean
  /** The channel was lost, or the handler broke its promise to settle every failure: it is to be consumed again. */
  onBroken(error: unknown): void
}

export class RabbitLane {
  readonly topic: string
  readonly queue: string
  readonly #context: RabbitContext
  readonly #options: LaneOptions
  readonly #ending = new AbortController()
  readonly #held: ConsumeMessage[] = []
  #channel: Channel | undefined
  #working: Promise<void> | undefined
  #served = false

  constructor(context: RabbitContext, options: LaneOptions) {
    this.#context = context
    this.#options = options
    this.topic = options.topic
    this.queue = options.queue
  }

  /** Whether the server has given this instance a record of the queue: it is the one that is served. */
  get served(): boolean {
    return this.#served
  }

  /** @throws Error when the server can't be reached, or has no such queue */
  async open(connection: RabbitConnection): Promise<void> {
    const { handle, queue, acknowledgedEarly, onBroken } = this.#options
    const channel = await (await connection.open()).createChannel()
    this.#channel = channel
    channel.on('error', onBroken)
    channel.on('close', () => {
      if (!this.#ending.signal.aborted) onBroken(new Error(`the channel of ${queue} was closed`))
    })
    await channel.prefetch(Math.max(rabbitSettings.prefetchMin, 4 * handle.recordsMax))
    await channel.consume(queue, (message) => this.#take(message), { noAck: acknowledgedEarly })
  }

  /** Records that this instance is to handle and has not finished; 0 where another one is served. @throws Error when the channel is lost */
  async lag(): Promise<number> {
    if (!this.#served) return 0
    const waiting = (await this.#channel?.checkQueue(this.queue))?.messageCount ?? 0
    return waiting + this.#held.length
  }

  /** Takes nothing further, lets what runs end until the deadline, and gives the rest back. */
  async close(drainMs: number): Promise<void> {
    this.#ending.abort()
    const { clock } = this.#context
    await within(clock, this.#working ?? Promise.resolve(), drainMs)
    // Behind the acknowledgements: they are sent in order.
    if (this.#channel) await within(clock, closed(this.#channel), rabbitTimings.closeMs)
    this.#held.length = 0
  }

  #take(message: ConsumeMessage | null): void {
    if (this.#ending.signal.aborted) return
    if (!message) return this.#options.onBroken(new Error(`the server has ended the delivery from ${this.queue}`))
    this.#served = true
    this.#held.push(message)
    // What came in the same packet is read first, so that it is handled together.
    this.#working ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#work())
  }

  async #work(): Promise<void> {
    const { signal } = this.#ending
    const { handle, topic } = this.#options
    while (!signal.aborted && this.#held.length > 0) {
      const batch = this.#held.slice(0, handle.recordsMax)
      let left = batch.length
      const finished = (records: number) => {
        left -= records
        if (records > 0) this.#acknowledge(records)
      }
      try {
        await handle.together(
          batch.map((message) => toRecord(topic, message)),
          signal,
          { finished },
        )
      } catch (error) {
        // Handlers settle every failure themselves; what comes here is the end of the wait at a close.
        if (!signal.aborted) this.#options.onBroken(error)
        break
      }
      finished(left)
    }
    this.#working = undefined
  }

  /** The first ones that are held, by one frame. */
  #acknowledge(records: number): void {
    const last = this.#held.splice(0, records).at(-1)
    if (!last || this.#options.acknowledgedEarly) return
    try {
      this.#channel?.ack(last, true)
    } catch {
      // The channel is lost: they are delivered again, and the inbox drops them.
    }
  }
}

/** Closes a channel. Rejects when it is closed already. */
export const closed = async (channel: Channel): Promise<void> => channel.close()
