/**
 * What an operator's tool does with a broker, ours, Apache Kafka or RabbitMQ: look at topics and groups, read and follow
 * records, send dead letters back. A service doesn't need this.
 */

import { topics as contractTopics } from '@svyaz/contracts'
import { createDeadLetters, type DeadLetters, type LetterBox } from './messaging/dlq.ts'
import { type Inspector, openInspector } from './messaging/kafka/inspect.ts'
import { createProducer } from './messaging/kafka/producer.ts'
import { openReader, type TopicReader } from './messaging/kafka/reader.ts'
import type { KafkaContext } from './messaging/kafka/settings.ts'
import { type RecordWriter, recordWriter } from './messaging/operator-write.ts'
import { RabbitConnection, type RabbitContext } from './messaging/rabbitmq/connection.ts'
import { openRabbitInspector, openRabbitReader, readStream } from './messaging/rabbitmq/inspect.ts'
import { RabbitSender } from './messaging/rabbitmq/sender.ts'
import { topicsToMake } from './messaging/topics.ts'
import type { TransportTopic } from './messaging/transport.ts'
import { systemClock, systemIds } from './process/clock.ts'

export { type CloudEvent, type Decoded, decodeEvent } from './messaging/cloud-events.ts'
export { type DeadLetter, type LetterState, placeText, readPlace } from './messaging/dead-letter.ts'
export type { DeadLetters, ListedLetter, ReplayOutcome, ReplayPlan } from './messaging/dlq.ts'
export { isThere, type PathFilter, readPath } from './messaging/json-path.ts'
export type { GroupProgress, TopicSummary } from './messaging/kafka/inspect.ts'
export type { PartitionSpan } from './messaging/kafka/reader.ts'
export type { ReadRecord } from './messaging/kafka/records.ts'
export { type RecordWish, WriteRefused, type WrittenRecord } from './messaging/operator-write.ts'
export type { Place } from './messaging/transport.ts'

export interface Operator extends AsyncDisposable {
  readonly inspect: Inspector
  readonly reader: TopicReader
  readonly deadLetters: DeadLetters
  /** Writes events of the contracts' topics. */
  readonly writer: RecordWriter
}

export interface OperatorOptions {
  /** `host:port` of one broker or more. */
  readonly bootstrap: readonly string[]
  /** Client id, which the broker's log names. */
  readonly name: string
  readonly log: KafkaContext['log']
}

const ids = systemIds(systemClock)
const fresh = () => ({ id: ids.uuid(), time: systemClock.iso() })

/** Connects at the first use. Nothing is joined, so no consumer group notices. */
export function openOperator({ bootstrap, name, log }: OperatorOptions): Operator {
  const context: KafkaContext = {
    environment: { instance: name, kafkaBrokers: bootstrap },
    clock: systemClock,
    random: Math.random,
    log,
  }
  const reader = openReader(context)
  const inspect = openInspector(context, reader)
  const producer = createProducer(context)
  return {
    inspect,
    reader,
    deadLetters: createDeadLetters(context, letterBox(reader, inspect, producer.send)),
    writer: recordWriter(contractTopics, producer.send, fresh),
    async [Symbol.asyncDispose]() {
      await Promise.all([producer.close(), inspect.close(), reader.close()])
    },
  }
}

export interface RabbitOperatorOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps:`. */
  readonly url: string
  /** Of its connection, which the server's pages name. */
  readonly name: string
  readonly log: RabbitContext['log']
  /** Default: the contracts' topics. */
  readonly topics?: readonly TransportTopic[]
}

/**
 * The same on RabbitMQ, where a topic's past is gone: records are those of dead letters and of what is sent while one
 * follows, a member has no name, and whether a replay was handled isn't known.
 */
export function openRabbitOperator({ url, name, log, topics }: RabbitOperatorOptions): Operator {
  const context: RabbitContext = {
    environment: { instance: name, rabbitmqUrl: url, rabbitmqQueues: undefined },
    clock: systemClock,
    random: Math.random,
    log,
  }
  const known = topics ?? topicsToMake(contractTopics)
  const partitions = new Map(known.map((topic) => [topic.name, topic.partitions]))
  const connection = new RabbitConnection(context, 'looks')
  const inspect = openRabbitInspector(connection, known)
  const sender = new RabbitSender(systemClock, connection, (topic) => partitions.get(topic))
  return {
    inspect,
    reader: openRabbitReader(context, connection, known),
    deadLetters: createDeadLetters(context, {
      send: (records) => sender.send(records),
      committed: (group, topic) => inspect.committed(group, topic),
      reads: (group, topic) => inspect.reads(group, topic),
      async *readAll(topic) {
        yield* await readStream(connection, topic)
      },
    }),
    writer: recordWriter(contractTopics, (records) => sender.send(records), fresh),
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

/** Where dead letters are read from and sent to, made of its parts. */
export const letterBox = (reader: TopicReader, inspect: Inspector, send: LetterBox['send']): LetterBox => ({
  send,
  committed: (group, topic) => inspect.committed(group, topic),
  reads: (group, topic) => inspect.reads(group, topic),
  async *readAll(topic) {
    const spans = (await reader.spans(topic)) ?? []
    const ranges = new Map(spans.map(({ partition, beginning, end }) => [partition, { from: beginning, until: end }]))
    for await (const { record } of reader.read(topic, ranges)) yield record
  },
})
