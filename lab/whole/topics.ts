/** Reads and writes topics from outside, with a client that the system itself does not use. */
import { randomUUID } from 'node:crypto'
import kafkajs from '@svyaz/observe/kafkajs.ts'

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  /** The event, from its JSON value. */
  // biome-ignore lint/suspicious/noExplicitAny: each topic carries its own events
  readonly data: any
}

/** @param broker `host:port`, several with commas between */
const client = (broker: string) =>
  new kafkajs.Kafka({ clientId: 'whole-system-test', brokers: broker.split(','), logLevel: kafkajs.logLevel.NOTHING })

/** Every record of a topic from offset 0 to its end at the time of the call, by partition and offset. */
export async function readTopic(broker: string, topic: string): Promise<TopicRecord[]> {
  const kafka = client(broker)
  const admin = kafka.admin()
  await admin.connect()
  const ends = new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)] as const),
  )
  await admin.disconnect()
  const records: TopicRecord[] = []
  const missing = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
  if (missing.size === 0) return records
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          const offset = Number(message.offset)
          const end = ends.get(partition) ?? 0
          if (offset < end) records.push(recordOf(partition, message))
          if (offset >= end - 1) missing.delete(partition)
          if (missing.size === 0) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

const recordOf = (partition: number, message: kafkajs.KafkaMessage): TopicRecord => ({
  partition,
  offset: Number(message.offset),
  key: String(message.key ?? ''),
  headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
  data: JSON.parse(String(message.value)),
})

/** An event before it has an id. */
export interface WrittenEvent {
  readonly topic: string
  readonly type: string
  readonly source: string
  readonly key: string
  readonly data: unknown
}

/** Writes one CloudEvent (binary mode) with a new id, which is returned. */
export async function writeEvent(broker: string, event: WrittenEvent): Promise<string> {
  const [id] = await writeEvents(broker, [event])
  return id!
}

/** Writes CloudEvents (binary mode), each with a new id; returns the ids in the order of the events. */
export async function writeEvents(broker: string, events: readonly WrittenEvent[]): Promise<string[]> {
  const ids = events.map(() => randomUUID())
  const producer = client(broker).producer()
  await producer.connect()
  for (const [index, event] of events.entries())
    await producer.send({
      topic: event.topic,
      acks: -1,
      messages: [
        {
          key: event.key,
          value: JSON.stringify(event.data),
          headers: {
            ce_specversion: '1.0',
            ce_id: ids[index]!,
            ce_type: event.type,
            ce_source: event.source,
            ce_subject: event.key,
            ce_time: new Date().toISOString(),
            'content-type': 'application/json',
          },
        },
      ],
    })
  await producer.disconnect()
  return ids
}

/** The names of all topics. @param broker `host:port` */
export async function listTopics(broker: string): Promise<string[]> {
  const admin = client(broker).admin()
  await admin.connect()
  const topics = await admin.listTopics()
  await admin.disconnect()
  return topics
}

/** What a group has committed of a topic, and how many records lie behind that; a partition never committed counts from 0. */
export async function readCommits(
  broker: string,
  groupId: string,
  topic: string,
): Promise<{ committed: number; behind: number }> {
  const admin = client(broker).admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  const [commits] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  const done = new Map(commits?.partitions.map((row) => [row.partition, Math.max(Number(row.offset), 0)]))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const committed = sum([...done.values()])
  return { committed, behind: sum(ends.map((end) => Number(end.high))) - committed }
}
