/** Sends records with acks from all replicas, idempotently, and says where they came to lie. */

import type { OutgoingRecord, Place } from '../transport.ts'
import { compatibilityPartitioner, Producer } from './client.ts'
import { type KafkaContext, producerSettings } from './settings.ts'

export interface KafkaProducer {
  send(records: readonly OutgoingRecord[]): Promise<readonly (Place | undefined)[]>
  close(): Promise<void>
}

/** An idempotent producer that connects when it is first used, and again after a fault. */
export function createProducer(core: KafkaContext): KafkaProducer {
  let producer: Producer<Buffer, Buffer, Buffer, Buffer> | undefined
  let closed = false

  const open = (): Producer<Buffer, Buffer, Buffer, Buffer> => {
    if (closed) throw new Error('the producer is closed')
    if (producer) return producer
    producer = new Producer<Buffer, Buffer, Buffer, Buffer>(producerSettings(core))
    // The rejected promise of the request says it too.
    producer.on('error', () => {})
    return producer
  }

  return {
    async send(records) {
      const client = open()
      const cluster = await client.metadata({ topics: [...new Set(records.map(({ topic }) => topic))] })
      const partitionsOf: PartitionCount = (topic) => cluster.topics.get(topic)?.partitionsCount
      // A broker that is alone leads everything, so its records may share a request.
      const alone = core.environment.kafkaBrokers.length === 1 && cluster.brokers.size === 1
      const requests = alone ? [records] : splitByPartition(records, partitionsOf)
      // All are waited for: what is sent again after a failure must not overtake what is still being tried.
      const answers = await Promise.allSettled(
        requests.map((request) => client.send({ messages: request.map(messageOf) })),
      )
      const bases = answers.flatMap((answer) => {
        if (answer.status === 'rejected') throw answer.reason
        return answer.value.offsets ?? []
      })
      return placesOf(records, bases, partitionsOf)
    },
    async close() {
      closed = true
      await producer?.close(true)
    },
  }
}

const messageOf = (record: OutgoingRecord) => ({
  topic: record.topic,
  key: Buffer.from(record.key),
  value: record.value,
  headers: new Map(Object.entries(record.headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
})

/** Partitions of a topic; undefined when the cluster did not tell. */
type PartitionCount = (topic: string) => number | undefined

const partitionOf = (record: OutgoingRecord, partitions: number): number =>
  compatibilityPartitioner(record as never, Buffer.from(record.key)) % partitions

/**
 * One request for each partition, in the order given. The client sends what had one leader when it began as one
 * request, and tries it again at the leader of the first record alone; once the leader is dead and its partitions have
 * gone to different nodes, none of these would ever take all of it.
 */
export function splitByPartition(
  records: readonly OutgoingRecord[],
  partitionsOf: PartitionCount,
): readonly (readonly OutgoingRecord[])[] {
  const place = (record: OutgoingRecord) => `${record.topic}/${partitionOf(record, partitionsOf(record.topic) ?? 1)}`
  return [...Map.groupBy(records, place).values()]
}

/**
 * A produce answer has the first offset of each partition; records of a partition follow each other in the order they
 * were given.
 */
export function placesOf(
  records: readonly OutgoingRecord[],
  bases: readonly { topic: string; partition: number; offset: bigint }[],
  partitionsOf: PartitionCount,
): (Place | undefined)[] {
  const next = new Map(bases.map((base) => [`${base.topic}/${base.partition}`, base.offset]))
  return records.map((record) => {
    const partitions = partitionsOf(record.topic)
    if (!partitions) return undefined
    const partition = partitionOf(record, partitions)
    const offset = next.get(`${record.topic}/${partition}`)
    if (offset === undefined) return undefined
    next.set(`${record.topic}/${partition}`, offset + 1n)
    return { partition, offset }
  })
}
