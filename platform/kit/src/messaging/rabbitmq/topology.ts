/**
 * What a topic is on RabbitMQ, as data: bindings of one topic exchange, a queue for each group and partition, and a
 * stream for dead letters. Pure; declare.ts makes it (docs/decisions/0089).
 */
import { crc32 } from 'node:zlib'
import { isDeadLetterTopic } from '../topics.ts'
import type { TransportTopic } from '../transport.ts'
import { rabbitSettings } from './settings.ts'

export interface QueueRow {
  readonly name: string
  /** Binding of the exchange. */
  readonly pattern: string
  readonly arguments: Readonly<Record<string, string | number | boolean>>
}

export type QueueKind = 'quorum' | 'classic'

/**
 * Quorum queues where the server has good ones: those of 3.10 on one node may find no leader after kill -9, and then
 * take nothing for a minute and more (docs/decisions/0089).
 *
 * @param version as the server says it: `3.10.8`
 */
export const queueKindOf = (version: unknown): QueueKind =>
  Number(/^(\d+)\./.exec(String(version))?.[1] ?? 0) >= 4 ? 'quorum' : 'classic'

/** A key is always in the same partition, whoever sends it. */
export const partitionOf = (key: string, partitions: number): number => crc32(key) % partitions

/** What the exchange sorts by: `orders.events.3`. */
export const routingKey = (topic: string, partition: number): string => `${topic}.${partition}`

/** A group's queue of one partition: `delivery/orders.events/3`. */
export const queueName = (group: string, topic: string, partition: number): string => `${group}/${topic}/${partition}`

/** One queue for all partitions: the group has one member. */
export const broadcastQueueName = (group: string, topic: string): string => `${group}/${topic}`

/** Nothing is ever sent to it: its consumers are the group's members, which a queue with one served consumer doesn't count. */
export const rollName = (group: string): string => `${group}/members`

/** Every queue of a topic: one for each of its groups and partitions; for dead letters a stream. */
export const queuesOf = (topic: TransportTopic, kind: QueueKind): QueueRow[] =>
  isDeadLetterTopic(topic.name)
    ? [streamOf(topic.name)]
    : (topic.groups ?? []).flatMap((group) =>
        Array.from({ length: topic.partitions }, (_, partition) => groupQueue(group, topic.name, partition, kind)),
      )

/**
 * On disk before it is confirmed; a quorum queue also on most nodes, where the server has several, and without a limit of
 * deliveries, so that restarts never make a dead letter. What nobody took for days becomes one.
 */
const durable = (topic: string, partition: number, kind: QueueKind): QueueRow['arguments'] => ({
  'x-queue-type': kind,
  'x-message-ttl': rabbitSettings.recordAgeMaxMs,
  'x-dead-letter-exchange': rabbitSettings.exchange,
  'x-dead-letter-routing-key': routingKey(`${topic}.dlq`, partition),
  ...(kind === 'quorum'
    ? { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish', 'x-delivery-limit': -1 }
    : {}),
})

/** All members are consumers of it and the server gives it to one: order per key, and another at once when that one dies. */
const groupQueue = (group: string, topic: string, partition: number, kind: QueueKind): QueueRow => ({
  name: queueName(group, topic, partition),
  pattern: routingKey(topic, partition),
  arguments: { ...durable(topic, partition, kind), 'x-single-active-consumer': true },
})

/** The queue of one instance that is a group by itself. */
export const broadcastQueue = (group: string, topic: string, kind: QueueKind): QueueRow => ({
  name: broadcastQueueName(group, topic),
  pattern: `${topic}.*`,
  arguments: {
    ...durable(topic, 0, kind),
    'x-single-active-consumer': true,
    'x-expires': rabbitSettings.broadcastExpiresMs,
  },
})

/** Dead letters are looked at many times and taken by nobody: a log, not a queue. */
const streamOf = (topic: string): QueueRow => ({
  name: topic,
  pattern: `${topic}.*`,
  arguments: {
    'x-queue-type': 'stream',
    'x-max-age': `${Math.round(rabbitSettings.recordAgeMaxMs / 86_400_000)}D`,
    'x-stream-max-segment-size-bytes': rabbitSettings.segmentBytesMax,
  },
})

/**
 * How many queues a member hands on, so that each has about as many. Whoever has more than its share goes to the end
 * of their lines; with those in front of it doing the same, it comes out even.
 *
 * @param active queues of the topic that this member is known to be served from
 * @param members of the group
 */
export const toHandOn = (active: number, partitions: number, members: number): number =>
  members <= 1 ? 0 : Math.max(0, active - Math.ceil(partitions / members))
