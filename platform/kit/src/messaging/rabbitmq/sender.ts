/** Sends records with confirms: resolved when every queue has them on disk, rejected when one has no queue at all. */
import type { ConfirmChannel } from 'amqplib'
import type { Clock } from '../../api.ts'
import { within } from '../../process/waiting.ts'
import type { OutgoingRecord, Place } from '../transport.ts'
import type { RabbitConnection } from './connection.ts'
import { propertiesOf } from './records.ts'
import { rabbitSettings, rabbitTimings } from './settings.ts'
import { partitionOf, routingKey } from './topology.ts'

/** What waits for its confirms. */
interface Sending {
  readonly routes: ReadonlySet<string>
  readonly returned: Set<string>
}

export class RabbitSender {
  readonly #clock: Clock
  readonly #connection: RabbitConnection
  /** Undefined: a topic that this process doesn't know. */
  readonly #partitionsOf: (topic: string) => number | undefined
  readonly #underWay = new Set<Sending>()
  #channel: Promise<ConfirmChannel> | undefined

  constructor(clock: Clock, connection: RabbitConnection, partitionsOf: (topic: string) => number | undefined) {
    this.#clock = clock
    this.#connection = connection
    this.#partitionsOf = partitionsOf
  }

  /**
   * In their order, each confirmed.
   * @returns no places: a queue has none
   * @throws Error when the connection is lost, the server refuses, or a record has no queue to go to; then some of them may
   *   have been written
   */
  async send(records: readonly OutgoingRecord[]): Promise<readonly (Place | undefined)[]> {
    const routes = records.map((record) => this.#routeOf(record))
    const sending: Sending = { routes: new Set(routes), returned: new Set() }
    const channel = await this.#open()
    this.#underWay.add(sending)
    try {
      const confirms = records.map((record, index) => publish(channel, routes[index]!, record))
      // All are waited for: what is sent again after a failure must not overtake what is under way.
      const settled = Promise.allSettled(confirms)
      await this.#patiently(channel, settled)
      const failed = (await settled).find((confirm) => confirm.status === 'rejected')
      if (failed) throw failed.reason
    } finally {
      this.#underWay.delete(sending)
    }
    if (sending.returned.size > 0) throw new Error(`RabbitMQ has no queue for ${[...sending.returned].join(', ')}`)
    return records.map(() => undefined)
  }

  /** Ends the channel, and with it what waits for confirms, when they take too long; not while the server says why. */
  async #patiently(channel: ConfirmChannel, settled: Promise<unknown>): Promise<void> {
    let waits = true
    void settled.then(() => {
      waits = false
    })
    do await within(this.#clock, settled, rabbitTimings.confirmMs)
    while (waits && this.#connection.blocked)
    if (waits) await channel.close().catch(() => undefined)
  }

  #routeOf(record: OutgoingRecord): string {
    const partitions = this.#partitionsOf(record.topic)
    if (partitions === undefined) throw new Error(`${record.topic} is not a topic that this service writes or reads`)
    return routingKey(record.topic, partitionOf(record.key, partitions))
  }

  #open(): Promise<ConfirmChannel> {
    this.#channel ??= this.#openChannel().catch((error: unknown) => {
      this.#channel = undefined
      throw error
    })
    return this.#channel
  }

  async #openChannel(): Promise<ConfirmChannel> {
    const channel = await (await this.#connection.open()).createConfirmChannel()
    channel.on('error', () => undefined)
    channel.on('close', () => {
      this.#channel = undefined
    })
    // A record that comes back does so before its confirm.
    channel.on('return', ({ fields }) => {
      for (const { routes, returned } of this.#underWay)
        if (routes.has(fields.routingKey)) returned.add(fields.routingKey)
    })
    return channel
  }
}

/** Resolves with the server's confirm; rejects with its refusal, or when the channel is lost. */
const publish = (channel: ConfirmChannel, route: string, record: OutgoingRecord): Promise<void> =>
  new Promise((resolve, reject) => {
    channel.publish(rabbitSettings.exchange, route, record.value, propertiesOf(record), (refusal) =>
      refusal ? reject(refusal instanceof Error ? refusal : new Error('RabbitMQ refused a record')) : resolve(),
    )
  })
