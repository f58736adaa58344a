/**
 * Every record that is written to any topic while the proofs run, read by a client that the system itself does not use.
 * It starts at the ends of the topics, so that a system with a long past costs nothing.
 */
import { randomUUID } from 'node:crypto'
import kafkajs from '@svyaz/observe/kafkajs.ts'
import { until } from '@svyaz/observe/until.ts'

export interface TopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** CloudEvents: `ce_id`. */
  readonly id: string
  /** `ce_type`. */
  readonly type: string
  /** `ce_time`: when the event was made, RFC 3339. */
  readonly time: string
  readonly traceparent: string
  // biome-ignore lint/suspicious/noExplicitAny: each topic carries its own events
  readonly data: any
}

export interface GroupFact {
  readonly group: string
  readonly state: string
  readonly members: readonly { readonly client: string; readonly partitions: readonly string[] }[]
}

const recordsMax = 50_000

export class Tap implements AsyncDisposable {
  readonly records: TopicRecord[] = []
  readonly #kafka: kafkajs.Kafka
  readonly #group = `svyaz-verify-${randomUUID()}`
  readonly #seen = new Set<string>()
  #consumer: kafkajs.Consumer | undefined

  constructor(brokers: readonly string[]) {
    this.#kafka = new kafkajs.Kafka({
      clientId: 'svyaz-verify',
      brokers: [...brokers],
      logLevel: kafkajs.logLevel.NOTHING,
      // The broker is stopped and killed by the proofs.
      retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 500 },
    })
  }

  async open(): Promise<void> {
    const ends = await this.#withAdmin(async (admin) => {
      const topics = (await admin.listTopics()).filter((name) => !name.startsWith('__'))
      return Promise.all(topics.map(async (topic) => ({ topic, offsets: await admin.fetchTopicOffsets(topic) })))
    })
    const consumer = this.#kafka.consumer({ groupId: this.#group, maxWaitTimeInMs: 100, sessionTimeout: 30_000 })
    this.#consumer = consumer
    await consumer.connect()
    await consumer.subscribe({ topics: ends.map(({ topic }) => topic), fromBeginning: true })
    const joined = Promise.withResolvers<void>()
    consumer.on('consumer.group_join', () => joined.resolve())
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => this.#take(topic, partition, message),
    })
    await joined.promise
    for (const { topic, offsets } of ends)
      for (const { partition, high } of offsets) consumer.seek({ topic, partition, offset: high })
  }

  /** Until this many records satisfy the condition; a record that comes twice by a new session counts once. */
  wait(what: string, wanted: (record: TopicRecord) => boolean, count = 1, timeoutMs = 25_000): Promise<TopicRecord[]> {
    return until(
      `${what} in a topic`,
      () => {
        const found = this.records.filter(wanted)
        return found.length >= count && found
      },
      { timeoutMs, everyMs: 50 },
    )
  }

  topics(): Promise<string[]> {
    return this.#withAdmin((admin) => admin.listTopics())
  }

  /** Offset of the end of each partition of a topic, added up. */
  endOf(topic: string): Promise<number> {
    return this.#withAdmin(async (admin) =>
      (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0),
    )
  }

  /** A group without members that has read all of a topic but the last `behind` records of a partition. */
  async leaveBehind(group: string, topic: string, behind: number): Promise<void> {
    await this.#withAdmin(async (admin) => {
      const ends = await admin.fetchTopicOffsets(topic)
      const longest = ends.reduce((most, one) => (Number(one.high) > Number(most.high) ? one : most))
      const partitions = ends.map(({ partition, high }) => ({
        partition,
        offset: partition === longest.partition ? String(Math.max(0, Number(high) - behind)) : high,
      }))
      await admin.setOffsets({ groupId: group, topic, partitions })
    })
  }

  /** Records between what a group has committed and the ends of a topic, added up. */
  lagOf(group: string, topic: string): Promise<number> {
    return this.#withAdmin(async (admin) => {
      const ends = new Map(
        (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]),
      )
      const [own] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      return (own?.partitions ?? []).reduce(
        (sum, { partition, offset }) => sum + (ends.get(partition) ?? 0) - Number(offset),
        0,
      )
    })
  }

  forget(group: string): Promise<unknown> {
    return this.#withAdmin((admin) => admin.deleteGroups([group]))
  }

  groupNames(): Promise<string[]> {
    return this.#withAdmin(async (admin) => (await admin.listGroups()).groups.map(({ groupId }) => groupId))
  }

  groups(names: readonly string[]): Promise<GroupFact[]> {
    return this.#withAdmin(async (admin) =>
      (await admin.describeGroups([...names])).groups.map(({ groupId, state, members }) => ({
        group: groupId,
        state,
        members: members.map(({ clientId, memberAssignment }) => ({
          client: clientId,
          partitions: partitionsOf(memberAssignment),
        })),
      })),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer?.disconnect().catch(() => {})
    await this.#withAdmin((admin) => admin.deleteGroups([this.#group])).catch(() => {})
  }

  #take(topic: string, partition: number, message: kafkajs.KafkaMessage): void {
    const offset = Number(message.offset)
    if (this.records.length >= recordsMax) this.records.shift()
    const place = `${topic}-${partition}-${offset}`
    if (this.#seen.has(place)) return
    this.#seen.add(place)
    const header = (name: string) => String(message.headers?.[name] ?? '')
    this.records.push({
      topic,
      partition,
      offset,
      key: String(message.key ?? ''),
      id: header('ce_id'),
      type: header('ce_type'),
      time: header('ce_time'),
      traceparent: header('traceparent'),
      data: parsed(message.value),
    })
  }

  async #withAdmin<T>(act: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await act(admin)
    } finally {
      await admin.disconnect()
    }
  }
}

const parsed = (value: Buffer | null): unknown => {
  try {
    return JSON.parse(String(value))
  } catch {
    return String(value)
  }
}

const partitionsOf = (assignment: Buffer): string[] => {
  if (assignment.length === 0) return []
  const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment)
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, numbers]) =>
    numbers.map((number) => `${topic}-${number}`),
  )
}

/** As it is printed: where it lies, and what it is. */
export const recordLine = ({ topic, partition, offset, type, id }: TopicRecord): string =>
  `${topic} partition ${partition} offset ${offset}: ${type} ${id}`
