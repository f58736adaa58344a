/**
 * A consumer group on RabbitMQ (membership.ts): a lane for each of its queues. The server gives each queue to
 * one member; those that have more than their share hand some on. What is lost is opened again.
 */
import type { Channel } from 'amqplib'
import type { Core } from '../../core.ts'
import { within } from '../../process/waiting.ts'
import { type GroupSession, Membership } from '../membership.ts'
import type { Consumption, RecordHandling, TransportTopic } from '../transport.ts'
import type { RabbitConnection } from './connection.ts'
import { declareQueues } from './declare.ts'
import { closed, RabbitLane } from './lane.ts'
import { rabbitTimings } from './settings.ts'
import { broadcastQueue, broadcastQueueName, queueName, rollName, toHandOn } from './topology.ts'

export interface RabbitGroupOptions {
  readonly group: string
  readonly topics: readonly TransportTopic[]
  readonly handle: RecordHandling
  /** This instance is a group by itself: its queue is made when it comes. */
  readonly alone: boolean
  /** Records of a queue that this instance is served from and that are not finished. */
  onLag(topic: string, partition: string, lag: number): void
}

/** Consumes as a member of a group, until it is stopped. */
export function joinRabbitGroup(outer: Core, connection: RabbitConnection, options: RabbitGroupOptions): Consumption {
  const core = { ...outer, log: outer.log.child({ group: options.group }) }
  return new Membership(core, () => new Session(core, connection, options), rabbitTimings.drainMs)
}

/** The lanes of a group until something is lost. */
class Session implements GroupSession {
  readonly #core: Core
  readonly #connection: RabbitConnection
  readonly #options: RabbitGroupOptions
  readonly #broken = Promise.withResolvers<never>()
  readonly #closed = new AbortController()
  readonly #lanes = new Map<string, RabbitLane>()
  #roll: Channel | undefined
  #watching: Promise<void> | undefined

  constructor(core: Core, connection: RabbitConnection, options: RabbitGroupOptions) {
    this.#core = core
    this.#connection = connection
    this.#options = options
    this.#broken.promise.catch(() => undefined)
  }

  /** Rejects when lanes are to be opened again. */
  get broken(): Promise<never> {
    return this.#broken.promise
  }

  /** @throws Error when the server can't be reached or has no such queue */
  async open(): Promise<void> {
    const { group, topics, alone } = this.#options
    if (alone) {
      const kind = await this.#connection.queueKind()
      await declareQueues(
        this.#connection,
        topics.map(({ name }) => broadcastQueue(group, name, kind)),
      )
    } else await this.#signIn()
    await Promise.all(this.#queues().map(({ topic, queue }) => this.#openLane(topic, queue)))
    this.#core.log.info({ queues: this.#lanes.size }, 'joined the group')
    this.#watching = this.#watch()
  }

  async close(drainMs: number): Promise<void> {
    this.#closed.abort()
    if (this.#roll) await within(this.#core.clock, closed(this.#roll), rabbitTimings.closeMs)
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close(drainMs)))
    await this.#watching
    for (const lane of this.#lanes.values()) this.#tellLag(lane, 0)
  }

  /** Is counted as a member for as long as the channel is open. */
  async #signIn(): Promise<void> {
    const { group } = this.#options
    const channel = await (await this.#connection.open()).createChannel()
    this.#roll = channel
    channel.on('error', (error) => this.#broken.reject(error))
    channel.on('close', () => this.#broken.reject(new Error('the connection to RabbitMQ was lost')))
    await channel.assertQueue(rollName(group), { durable: true, autoDelete: true })
    await channel.consume(rollName(group), () => undefined, { noAck: true })
  }

  #queues(): { topic: string; queue: string }[] {
    const { group, topics, alone } = this.#options
    return topics.flatMap(({ name, partitions }) =>
      alone
        ? [{ topic: name, queue: broadcastQueueName(group, name) }]
        : Array.from({ length: partitions }, (_, partition) => ({
            topic: name,
            queue: queueName(group, name, partition),
          })),
    )
  }

  async #openLane(topic: string, queue: string): Promise<void> {
    const lane = new RabbitLane(this.#core, {
      topic,
      queue,
      handle: this.#options.handle,
      acknowledgedEarly: this.#core.environment.sabotage.has('commit-before-handler'),
      onBroken: (error) => this.#broken.reject(error),
    })
    this.#lanes.set(queue, lane)
    await lane.open(this.#connection)
    // It was closed while this opened.
    if (this.#closed.signal.aborted) await lane.close(0)
  }

  async #watch(): Promise<void> {
    const { clock } = this.#core
    const { signal } = this.#closed
    while (!signal.aborted) {
      await clock.delay(rabbitTimings.measureEveryMs, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        const roll = await this.#roll?.checkQueue(rollName(this.#options.group))
        for (const topic of this.#options.topics) await this.#measure(topic, roll?.consumerCount ?? 1)
      } catch (error) {
        this.#broken.reject(error)
        return
      }
    }
  }

  /** Tells the lag, and hands queues on when other members have fewer. */
  async #measure({ name, partitions }: TransportTopic, members: number): Promise<void> {
    const lanes = [...this.#lanes.values()].filter(({ topic }) => topic === name)
    for (const lane of lanes) this.#tellLag(lane, await lane.lag())
    const served = lanes.filter((lane) => lane.served)
    for (const lane of served.slice(served.length - toHandOn(served.length, partitions, members))) {
      if (this.#closed.signal.aborted) return
      await lane.close(rabbitTimings.drainMs)
      this.#tellLag(lane, 0)
      await this.#openLane(lane.topic, lane.queue)
    }
  }

  #tellLag(lane: RabbitLane, lag: number): void {
    const partition = this.#options.alone ? '' : lane.queue.slice(lane.queue.lastIndexOf('/') + 1)
    this.#options.onLag(lane.topic, partition, lag)
  }
}
