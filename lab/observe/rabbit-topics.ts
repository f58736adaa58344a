/** Every event on a RabbitMQ, seen and written by code that the system itself does not use. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { topics } from '@svyaz/contracts'
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib'
import type { EventTap, TopicRecord, WrittenEvent } from './topics.ts'
import { until } from './until.ts'

const exchange = 'svyaz'
const againMs = 200

/** Collects what is sent from its opening on, in a queue of its own that outlives the server's death. */
export class RabbitTopics implements EventTap, AsyncDisposable {
  readonly #url: string
  readonly #queue = `observer-${randomUUID()}`
  readonly #records: TopicRecord[] = []
  readonly #seen = new Set<string>()
  readonly #marks = new Set<string>()
  /** By topic and partition: records so far, which stands for the offset that a queue doesn't have. */
  readonly #counts = new Map<string, number>()
  readonly #over = new AbortController()
  #reading: Promise<void> | undefined

  private constructor(url: string) {
    this.#url = url
  }

  /** Resolves when nothing that is sent from now on is missed. */
  static async open(url: string): Promise<RabbitTopics> {
    const tap = new RabbitTopics(url)
    const bound = Promise.withResolvers<void>()
    tap.#reading = tap.#keepReading(bound.resolve)
    await bound.promise
    return tap
  }

  async names(): Promise<string[]> {
    return topics.flatMap(({ name }) => [name, deadLetterTopic(name)])
  }

  /** What was seen so far, in the order of each partition. */
  get records(): readonly TopicRecord[] {
    return this.#records
  }

  /** Resolves when everything that was sent before this call has been seen. */
  async catchUp(): Promise<void> {
    const mark = randomUUID()
    await this.#publish('', this.#queue, Buffer.alloc(0), { mark })
    await until('the observer to have read all that was sent', () => this.#marks.has(mark), { timeoutMs: 60_000 })
  }

  /** Every record of a topic that was sent before this call. */
  async read(topic: string): Promise<TopicRecord[]> {
    await this.catchUp()
    return this.#records
      .filter((record) => record.topic === topic)
      .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  /**
   * Messages that wait in queues, by name: those that were not handed to a consumer.
   *
   * @throws Error when a queue isn't there
   */
  async waiting(queues: readonly string[]): Promise<Map<string, number>> {
    const model = await connect(this.#url, { timeout: 3_000 })
    model.on('error', () => undefined)
    try {
      const channel = await model.createChannel()
      channel.on('error', () => undefined)
      const counts = new Map<string, number>()
      for (const queue of queues) counts.set(queue, (await channel.checkQueue(queue)).messageCount)
      return counts
    } finally {
      await closed(model)
    }
  }

  async write(...events: readonly WrittenEvent[]): Promise<string[]> {
    const ids = events.map(({ id }) => id ?? randomUUID())
    for (const [at, { topic, type, source, key, data }] of events.entries()) {
      const { partitions = 1 } = topics.find(({ name }) => name === topic) ?? {}
      await this.#publish(exchange, `${topic}.${crc32(key) % partitions}`, Buffer.from(JSON.stringify(data)), {
        svyaz_key: key,
        ce_specversion: '1.0',
        ce_id: ids[at]!,
        ce_type: type,
        ce_source: source,
        ce_subject: key,
        ce_time: new Date().toISOString(),
        'content-type': 'application/json',
      })
    }
    return ids
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.#reading
  }

  async #publish(to: string, key: string, content: Buffer, headers: Record<string, string>): Promise<void> {
    const model = await connect(this.#url)
    try {
      const channel = await model.createConfirmChannel()
      channel.publish(to, key, content, { persistent: true, headers })
      await channel.waitForConfirms()
    } finally {
      await closed(model)
    }
  }

  async #keepReading(bound: () => void): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      // A server that is being killed ends it: go on later.
      await this.#readOn(bound).catch(() => undefined)
      await delay(againMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Until the connection ends, or this is over, whichever part of its opening that meets. */
  async #readOn(bound: () => void): Promise<void> {
    const { signal } = this.#over
    const ended = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => ended.resolve(), { once: true })
    const model = await connect(this.#url, { timeout: 3_000 })
    model.on('error', () => undefined)
    model.on('close', () => ended.resolve())
    try {
      await this.#consume(model)
      bound()
      if (!signal.aborted) await ended.promise
    } finally {
      await closed(model)
    }
  }

  async #consume(model: ChannelModel): Promise<void> {
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    await channel.assertExchange(exchange, 'topic', { durable: true })
    await channel.assertQueue(this.#queue, { durable: true, arguments: { 'x-expires': 600_000 } })
    await channel.bindQueue(this.#queue, exchange, '#')
    await channel.prefetch(100)
    await channel.consume(this.#queue, (message) => message && this.#take(channel, message))
  }

  #take(channel: Channel, message: ConsumeMessage): void {
    const headers = Object.fromEntries(
      Object.entries(message.properties.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    if (headers.mark !== undefined) this.#marks.add(headers.mark)
    else this.#record(message, headers)
    try {
      channel.ack(message)
    } catch {
      // The connection is lost: it comes again.
    }
  }

  #record({ fields, content }: ConsumeMessage, headers: Record<string, string>): void {
    const at = fields.routingKey.lastIndexOf('.')
    const topic = fields.routingKey.slice(0, at)
    const identity = `${topic} ${headers.ce_id} ${headers.svyaz_consumer ?? ''}`
    if (fields.redelivered && this.#seen.has(identity)) return
    this.#seen.add(identity)
    const part = fields.routingKey
    const offset = this.#counts.get(part) ?? 0
    this.#counts.set(part, offset + 1)
    this.#records.push({
      topic,
      partition: Number(fields.routingKey.slice(at + 1)),
      offset,
      key: headers.svyaz_key ?? '',
      id: headers.ce_id ?? '',
      type: headers.ce_type ?? '',
      time: headers.ce_time ?? '',
      headers,
      data: JSON.parse(content.toString() || 'null'),
    })
  }
}

/** Closes it, if it is open still: the client throws at the second time. */
async function closed(model: ChannelModel): Promise<void> {
  try {
    await model.close()
  } catch {
    // It is.
  }
}
