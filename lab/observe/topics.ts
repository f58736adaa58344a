/** Topics, groups and records, seen and written by a client that the system itself does not use. */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { inTime, partWith } from './kafkajs.ts'
import type { CommitFact } from './snapshot.ts'
import { until } from './until.ts'

export interface TopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** CloudEvents: `ce_id`; empty for what isn't an event. */
  readonly id: string
  /** `ce_type`. */
  readonly type: string
  /** `ce_time`: when the event was made, RFC 3339. */
  readonly time: string
  readonly headers: Readonly<Record<string, string>>
  /** The value, parsed where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each topic carries its own events
  readonly data: any
}

export interface WrittenEvent {
  readonly topic: string
  readonly type: string
  readonly source: string
  readonly key: string
  readonly data: unknown
  readonly id?: string
}

export interface GroupFact {
  readonly group: string
  readonly state: string
  readonly members: readonly { readonly client: string; readonly partitions: readonly string[] }[]
}

/** What a look at the events needs, whatever carries them. */
export interface EventTap {
  /** Topics, with their dead letters. */
  names(): Promise<string[]>
  /** Every record of a topic that is there at the time of the call, by partition and offset. */
  read(topic: string): Promise<TopicRecord[]>
  /** Writes CloudEvents (binary mode), one after the other; returns their ids. */
  write(...events: readonly WrittenEvent[]): Promise<string[]>
}

/** The end of a partition. */
export interface End {
  readonly topic: string
  readonly partition: number
  readonly end: number
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

export class Topics implements EventTap {
  readonly name: string
  readonly kafka: kafkajs.Kafka

  /**
   * @param brokers `host:port`, some of one cluster
   * @param name of this client and, at the beginning, of its groups
   */
  constructor(brokers: readonly string[], name: string) {
    this.name = name
    this.kafka = new kafkajs.Kafka({
      clientId: name,
      brokers: [...brokers],
      logLevel: kafkajs.logLevel.NOTHING,
      // The broker is stopped and killed while others look.
      retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 500 },
    })
  }

  names(): Promise<string[]> {
    return this.#asAdmin(async (admin) => (await admin.listTopics()).filter((name) => !name.startsWith('__')))
  }

  /** Ends of all partitions. */
  ends(topics: readonly string[]): Promise<End[]> {
    return this.#asAdmin(async (admin) => {
      const lists = await Promise.all(
        topics.map(async (topic) =>
          (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
            topic,
            partition,
            end: Number(high),
          })),
        ),
      )
      return lists.flat()
    })
  }

  /** Offset of the end of each partition of a topic, added up. */
  async endOf(topic: string): Promise<number> {
    return sum((await this.ends([topic])).map(({ end }) => end))
  }

  /** Committed positions of a group, beside the ends of their partitions. */
  async commits(group: string, topics: readonly string[]): Promise<CommitFact[]> {
    const ends = new Map((await this.ends(topics)).map(({ topic, partition, end }) => [`${topic}/${partition}`, end]))
    const offsets = await this.#asAdmin((admin) => admin.fetchOffsets({ groupId: group, topics: [...topics] }))
    return offsets.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => {
        const end = ends.get(`${topic}/${partition}`) ?? 0
        return { group, topic, partition, committed: Number(offset), end }
      }),
    )
  }

  /** What a group has committed of a topic, and how many records are behind that; a partition never committed counts from 0. */
  async progress(group: string, topic: string): Promise<{ committed: number; behind: number }> {
    const committed = sum((await this.commits(group, [topic])).map((row) => Math.max(row.committed, 0)))
    return { committed, behind: (await this.endOf(topic)) - committed }
  }

  groupNames(): Promise<string[]> {
    return this.#asAdmin(async (admin) => (await admin.listGroups()).groups.map(({ groupId }) => groupId))
  }

  groups(names: readonly string[]): Promise<GroupFact[]> {
    return this.#asAdmin(async (admin) =>
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

  /** A group without members that has read all of a topic but the last `behind` records of a partition. */
  async leaveBehind(group: string, topic: string, behind: number): Promise<void> {
    const ends = await this.ends([topic])
    const longest = ends.reduce((most, one) => (one.end > most.end ? one : most))
    const partitions = ends.map(({ partition, end }) => ({
      partition,
      offset: String(partition === longest.partition ? Math.max(0, end - behind) : end),
    }))
    await this.#asAdmin((admin) => admin.setOffsets({ groupId: group, topic, partitions }))
  }

  forget(...groups: readonly string[]): Promise<unknown> {
    return this.#asAdmin((admin) => admin.deleteGroups([...groups]))
  }

  /** Writes CloudEvents (binary mode), one after the other; returns their ids, new ones where none were given. */
  async write(...events: readonly WrittenEvent[]): Promise<string[]> {
    const ids = events.map(({ id }) => id ?? randomUUID())
    const producer = this.kafka.producer()
    await producer.connect()
    for (const [at, { topic, type, source, key, data }] of events.entries()) {
      const headers = {
        ce_specversion: '1.0',
        ce_id: ids[at]!,
        ce_type: type,
        ce_source: source,
        ce_subject: key,
        ce_time: new Date().toISOString(),
        'content-type': 'application/json',
      }
      await producer.send({ topic, acks: -1, messages: [{ key, value: JSON.stringify(data), headers }] })
    }
    await producer.disconnect()
    return ids
  }

  /** Every record of a topic from offset 0 to its end at the time of the call, by partition and offset. */
  async read(topic: string): Promise<TopicRecord[]> {
    if ((await this.endOf(topic)) === 0) return []
    await using reader = new TopicReader(this, [topic])
    await until(`all records of ${topic}`, () => reader.hasAll(), { timeoutMs: 60_000 })
    return reader.records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  async #asAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }
}

const partitionsOf = (assignment: Buffer): string[] => {
  if (assignment.length === 0) return []
  const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment)
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, numbers]) =>
    numbers.map((number) => `${topic}-${number}`),
  )
}

const againMs = 300
const recordsMax = 2_000_000

/** Reads every partition of some topics for as long as it lives; when a broker is killed, it goes on where it was cut. */
export class TopicReader implements AsyncDisposable {
  /** Each once, however often it was read. */
  readonly records: TopicRecord[] = []
  /** What was found at a place before and is something else now. */
  readonly changedPlaces: string[] = []
  readonly #topics: Topics
  readonly #names: readonly string[]
  /** Where reading begins; empty: at offset 0. */
  readonly #from: readonly End[]
  /** By `topic/partition`: the offset that is read next. */
  readonly #next = new Map<string, number>()
  readonly #hashes = new Map<string, string>()
  readonly #groups: string[] = []
  readonly #joined = Promise.withResolvers<void>()
  readonly #over = new AbortController()
  readonly #reading: Promise<void>
  #consumer: kafkajs.Consumer | undefined

  constructor(topics: Topics, names: readonly string[], from: readonly End[] = []) {
    this.#topics = topics
    this.#names = names
    this.#from = from
    this.#goToStart()
    this.#reading = this.#keepReading()
  }

  /** All that is written to any topic from now on: a system with a long past costs nothing. */
  static async fromNow(topics: Topics): Promise<TopicReader> {
    const names = await topics.names()
    const reader = new TopicReader(topics, names, await topics.ends(names))
    await reader.#joined.promise
    return reader
  }

  /** Until `count` records satisfy the condition. */
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

  /** What is in the topics now and was not read since the last beginning, a line for each partition; empty = read whole. */
  async unread(): Promise<string[]> {
    return (await this.#topics.ends(this.#names)).flatMap(({ topic, partition, end }) => {
      const next = this.#next.get(`${topic}/${partition}`) ?? 0
      return next < end ? [`${topic}/${partition} was read to ${next} of ${end}`] : []
    })
  }

  /** Whether everything that is in the topics now was read since the last beginning. */
  async hasAll(): Promise<boolean> {
    return (await this.unread()).length === 0
  }

  /** Begins again, and compares. */
  async readAgain(): Promise<void> {
    const before = this.#consumer
    this.#consumer = undefined
    this.#goToStart()
    await partWith(before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await partWith(this.#consumer)
    await this.#reading
    await this.#topics.forget(...this.#groups).catch(() => undefined)
  }

  #goToStart(): void {
    this.#next.clear()
    for (const { topic, partition, end } of this.#from) this.#next.set(`${topic}/${partition}`, end)
  }

  async #keepReading(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      // A broker that is being killed ends it: go on later.
      await this.#readOn().catch(() => undefined)
      await delay(againMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #readOn(): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const joined = Promise.withResolvers<void>()
    const groupId = `${this.#topics.name}-${randomUUID()}`
    this.#groups.push(groupId)
    const consumer = this.#topics.kafka.consumer({
      groupId,
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 100,
      // After a crash this reader begins again; a consumer that restarts itself goes on when it has been parted with.
      retry: { retries: 3, restartOnFailure: async () => false },
    })
    this.#consumer = consumer
    consumer.on('consumer.crash', () => ended.resolve())
    consumer.on('consumer.disconnect', () => ended.resolve())
    consumer.on('consumer.group_join', () => joined.resolve())
    this.#over.signal.addEventListener('abort', () => ended.resolve(), { once: true })
    try {
      await inTime(consumer.connect())
      await inTime(consumer.subscribe({ topics: [...this.#names], fromBeginning: true }))
      const running = consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          // Of a reading that was begun again.
          if (this.#consumer !== consumer) return
          for (const message of batch.messages) this.#take(batch.topic, batch.partition, message)
        },
      })
      await inTime(Promise.all([running, Promise.race([joined.promise, ended.promise])]))
      for (const [place, next] of this.#next) {
        const [topic, partition] = place.split('/') as [string, string]
        consumer.seek({ topic, partition: Number(partition), offset: String(next) })
      }
      this.#joined.resolve()
      await ended.promise
    } finally {
      await partWith(consumer)
    }
  }

  #take(topic: string, partition: number, message: kafkajs.KafkaMessage): void {
    const offset = Number(message.offset)
    if (this.#from.some((one) => one.topic === topic && one.partition === partition && offset < one.end)) return
    const part = `${topic}/${partition}`
    if (offset >= (this.#next.get(part) ?? 0)) this.#next.set(part, offset + 1)
    const place = `${part}/${offset}`
    const { key, value, headers } = message
    const id = String(headers?.ce_id ?? '')
    const hash = createHash('sha256').update(`${key}\n${value}\n${id}`).digest('base64')
    const before = this.#hashes.get(place)
    if (before !== undefined) {
      if (before !== hash) this.changedPlaces.push(`${place} was read with two values`)
      return
    }
    this.#hashes.set(place, hash)
    if (this.records.length >= recordsMax) throw new Error(`more than ${recordsMax} records: look at fewer topics`)
    this.records.push({
      topic,
      partition,
      offset,
      key: String(key ?? ''),
      id,
      type: String(headers?.ce_type ?? ''),
      time: String(headers?.ce_time ?? ''),
      headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)])),
      data: parsed(value),
    })
  }
}

/** JSON as a value, other text as it is. */
const parsed = (value: Buffer | null): unknown => {
  const text = String(value ?? '')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
