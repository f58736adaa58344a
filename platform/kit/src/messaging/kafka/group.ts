/**
 * A consumer group over Kafka's protocol (membership.ts). The client joins, heartbeats and rejoins; each assignment is a
 * Generation. A watchdog breaks the session, and so rebuilds the whole consumer, when the client gives up or stalls.
 */

import type { Core } from '../../core.ts'
import { within } from '../../process/waiting.ts'
import { type GroupSession, Membership } from '../membership.ts'
import type { Consumption, RecordHandling } from '../transport.ts'
import { Consumer } from './client.ts'
import { breakableHandling } from './early-commit.ts'
import { Generation } from './generation.ts'
import { consumerSettings, groupTimings } from './settings.ts'

export interface GroupOptions {
  group: string
  topics: readonly string[]
  handle: RecordHandling
  /** Nobody else is ever in this group. */
  alone?: boolean
  onLag(topic: string, partition: number, lag: number): void
}

/** Consumes as a member of a group, until it is stopped; joins again when the broker was away. */
export function joinGroup(outer: Core, options: GroupOptions): Consumption {
  const core = { ...outer, log: outer.log.child({ group: options.group }) }
  return new Membership(core, () => new Session(core, options), groupTimings.drainMs)
}

/** One consumer of the client, with the generation that it is in. */
class Session implements GroupSession {
  readonly #core: Core
  readonly #options: GroupOptions
  readonly #consumer: Consumer
  readonly #broken = Promise.withResolvers<never>()
  readonly #closed = new AbortController()
  #generation: Generation | undefined

  constructor(core: Core, options: GroupOptions) {
    this.#core = core
    this.#options = options
    this.#broken.promise.catch(() => undefined)
    this.#consumer = new Consumer({
      ...consumerSettings(core, options.group, options.alone),
      // The client asks for this before every JoinGroup: the one moment at which it can be held back until what runs
      // is finished and committed. The assignor needs no data.
      protocolsMetadata: async () => {
        await this.#endGeneration(groupTimings.drainMs)
        return Buffer.alloc(0)
      },
    })
  }

  /** Begins to join: what comes of it, `broken` says. */
  async open(): Promise<void> {
    this.#join()
    void this.#watch()
  }

  /** Rejects when the consumer is of no more use. */
  get broken(): Promise<never> {
    return this.#broken.promise
  }

  async close(drainMs: number): Promise<void> {
    this.#closed.abort()
    await this.#endGeneration(drainMs)
    // With the broker away there is nobody to say goodbye to.
    await within(this.#core.clock, this.#consumer.close(true), 2_000)
  }

  #join(): void {
    const consumer = this.#consumer
    for (const topic of this.#options.topics) consumer.topics.track(topic)
    consumer.on('error', (error: unknown) => this.#break(error))
    consumer.on('consumer:heartbeat:stalled', ({ lastError }) =>
      this.#break(new Error('no heartbeat was answered', { cause: lastError })),
    )
    consumer.on('consumer:group:join', () => this.#begin())
    consumer.joinGroup({}).catch((error: unknown) => this.#break(error))
  }

  #begin(): void {
    if (this.#closed.signal.aborted) return
    const { handle, onLag } = this.#options
    const { assignments } = this.#consumer
    const onBroken = (error: unknown) => this.#break(error)
    this.#generation = new Generation(this.#core, {
      consumer: this.#consumer,
      assignments: assignments ?? [],
      handle: breakableHandling(this.#core, handle, this.#consumer),
      onLag,
      onBroken,
    })
    this.#core.log.info({ assignments }, 'joined the group')
    this.#generation.start().catch(onBroken)
  }

  async #endGeneration(drainMs: number): Promise<void> {
    const ending = this.#generation
    await ending?.revoke(drainMs)
    if (this.#generation === ending) this.#generation = undefined
  }

  async #watch(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.#core.clock.delay(groupTimings.watchEveryMs, this.#closed.signal).catch(() => undefined)
      if (this.#generation?.stalled()) this.#break(new Error('no fetch was answered'))
      await this.#generation?.measure()
    }
  }

  #break(error: unknown): void {
    this.#broken.reject(error)
  }
}
