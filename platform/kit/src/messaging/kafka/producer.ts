/** Sends records with acks from all replicas, idempotently, and says where they came to lie. */

import type { OutgoingRecord, Place } from '../transport.ts'
import { compatibilityPartitioner, Producer } from './client.ts'
import { type KafkaContext, producerSettings } from './settings.ts'

export interface KafkaProducer {
  send(records: readonly OutgoingRecord[]): Promise<readonly (Place | undefined)[]>
  close(): Promise<void>
}

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
      const { offsets } = await client.send({
        messages: records.map((record) => ({
          topic: record.topic,
          key: Buffer.from(record.key),
          value: record.value,
          headers: headersOf(record),
        })),
      })
      return placesOf(records, offsets ?? [], (topic) => client.currentMetadata?.topics.get(topic)?.partitionsCount)
    },
    async close() {
      closed = true
      await producer?.close(true)
    },
  }
}

const headersOf = (record: OutgoingRecord): Map<Buffer, Buffer> =>
  new Map(Object.entries(record.headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))

/**
 * A produce answer has the first offset of each partition; records of a partition follow each other in the order they
 * were given.
 */
export function placesOf(
  records: readonly OutgoingRecord[],
  bases: readonly { topic: string; partition: number; offset: bigint }[],
  partitionsOf: (topic: string) => number | undefined,
): (Place | undefined)[] {
  const next = new Map(bases.map((base) => [`${base.topic}/${base.partition}`, base.offset]))
  return records.map((record) => {
    const partitions = partitionsOf(record.topic)
    if (!partitions) return undefined
    const partition = compatibilityPartitioner(record as never, Buffer.from(record.key)) % partitions
    const offset = next.get(`${record.topic}/${partition}`)
    if (offset === undefined) return undefined
    next.set(`${record.topic}/${partition}`, offset + 1n)
    return { partition, offset }
  })
}
