/**
 * The reader of every partition from offset 0, outside the system, with a client that the system itself doesn't use. It
 * reads during the whole run, so that a place that changes its value later is seen.
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from '@svyaz/observe/kafkajs.ts'
import { topics } from './consumers.ts'
import type { CommitFact, LogRecord } from './evidence.ts'

const allTopics: readonly string[] = topics.flatMap((topic) => [topic, `${topic}.dlq`])

const clientOf = (broker: string, clientId: string) =>
  new kafkajs.Kafka({
    clientId,
    brokers: [broker],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 },
  })

export class LogTap implements AsyncDisposable {
  /** What was found at a place before and is something else now. */
  readonly changedPlaces: string[] = []
  readonly #kafka: kafkajs.Kafka
  readonly #runName: string
  readonly #records = new Map<string, LogRecord>()
  readonly #hashes = new Map<string, string>()
  readonly #stopping = new AbortController()
  #reading: Promise<void>
  #consumer: kafkajs.Consumer | undefined
  #rounds = 0

  constructor(broker: string, runName: string) {
    this.#kafka = clientOf(broker, `checker-${runName}`)
    this.#runName = runName
    this.#reading = this.#keepReading()
  }

  /** Every record seen. */
  get records(): LogRecord[] {
    return [...this.#records.values()]
  }

  /** Begins again at offset 0, and compares. */
  async readAgain(): Promise<void> {
    await this.#consumer?.disconnect().catch(() => undefined)
  }

  /** Ends of all partitions, as [topic, partition, end]. */
  async ends(): Promise<[topic: string, partition: number, end: number][]> {
    return this.#asAdmin(async (admin) => {
      const lists = await Promise.all(
        allTopics.map(async (topic) =>
          (await admin.fetchTopicOffsets(topic)).map(({ partition, high }): [string, number, number] => [
            topic,
            partition,
            Number(high),
          ]),
        ),
      )
      return lists.flat()
    })
  }

  /** Whether everything that is in the log now was read. */
  async hasAll(): Promise<boolean> {
    const ends = await this.ends()
    return ends.every(([topic, partition, end]) => end === 0 || this.#records.has(`${topic}/${partition}/${end - 1}`))
  }

  /** Committed positions of the groups, beside the ends of their partitions. */
  async commits(groups: readonly { group: string; topics: readonly string[] }[]): Promise<CommitFact[]> {
    const ends = new Map((await this.ends()).map(([topic, partition, end]) => [`${topic}/${partition}`, end]))
    return this.#asAdmin(async (admin) => {
      const lists = await Promise.all(
        groups.map(async ({ group, topics }) =>
          (await admin.fetchOffsets({ groupId: group, topics: [...topics] })).flatMap(({ topic, partitions }) =>
            partitions.map(({ partition, offset }) => ({
              group,
              topic,
              partition,
              committed: Number(offset),
              end: ends.get(`${topic}/${partition}`) ?? 0,
            })),
          ),
        ),
      )
      return lists.flat()
    })
  }

  /** Writes a record that breaks its contract: its consumers must give it up, and only it. */
  async poison(topic: string, type: string, id: string, key: string): Promise<void> {
    const producer = this.#kafka.producer()
    await producer.connect()
    await producer.send({
      topic,
      acks: -1,
      messages: [
        {
          key,
          value: '{"this":"breaks its contract"}',
          headers: {
            ce_specversion: '1.0',
            ce_id: id,
            ce_type: type,
            ce_source: '/checker',
            ce_time: new Date().toISOString(),
            'content-type': 'application/json',
          },
        },
      ],
    })
    await producer.disconnect()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#consumer?.disconnect().catch(() => undefined)
    await this.#reading
  }

  async #keepReading(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#readFromStart()
      } catch {
        // The broker is being killed: begin again.
      }
      await delay(500, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
    }
  }

  async #readFromStart(): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const consumer = this.#kafka.consumer({
      groupId: `checker-${this.#runName}-${++this.#rounds}`,
      sessionTimeout: 6_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 500,
      retry: { retries: 3 },
    })
    this.#consumer = consumer
    consumer.on('consumer.crash', () => ended.resolve())
    consumer.on('consumer.disconnect', () => ended.resolve())
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...allTopics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) this.#take(batch.topic, batch.partition, message)
        },
      })
      await ended.promise
    } finally {
      await consumer.disconnect().catch(() => undefined)
    }
  }

  #take(topic: string, partition: number, message: kafkajs.KafkaMessage): void {
    const place = `${topic}/${partition}/${message.offset}`
    const header = (name: string) => (message.headers?.[name] === undefined ? '' : String(message.headers[name]))
    // Beside the letters lie marks of what was sent back; they are none.
    if (topic.endsWith('.dlq') && header('svyaz_replayed_at') !== '') return
    const value = String(message.value ?? '')
    const hash = createHash('sha256')
      .update(`${message.key}\n${value}\n${header('ce_id')}`)
      .digest('base64')
    const before = this.#hashes.get(place)
    if (before !== undefined) {
      if (before !== hash) this.changedPlaces.push(`${place} was read with two values`)
      return
    }
    this.#hashes.set(place, hash)
    this.#records.set(place, {
      topic,
      partition,
      offset: Number(message.offset),
      key: String(message.key ?? ''),
      eventId: header('ce_id'),
      type: header('ce_type'),
      ...(topic.endsWith('.dlq') ? { consumer: header('svyaz_consumer') } : {}),
      data: topic.endsWith('.dlq') ? { error: header('svyaz_error') } : json(value),
    })
  }

  async #asAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
