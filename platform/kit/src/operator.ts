/**
 * What an operator's tool does with a broker, ours or Apache Kafka: look at topics and groups, read and follow records,
 * send dead letters back. A service doesn't need this.
 */

import { createDeadLetters, type DeadLetters, type LetterBox } from './messaging/dlq.ts'
import { type Inspector, openInspector } from './messaging/kafka/inspect.ts'
import { createProducer } from './messaging/kafka/producer.ts'
import { openReader, type TopicReader } from './messaging/kafka/reader.ts'
import type { KafkaContext } from './messaging/kafka/settings.ts'
import { systemClock } from './process/clock.ts'

export { type CloudEvent, type Decoded, decodeEvent } from './messaging/cloud-events.ts'
export { type DeadLetter, type LetterState, placeText, readPlace } from './messaging/dead-letter.ts'
export type { DeadLetters, ListedLetter, ReplayOutcome, ReplayPlan } from './messaging/dlq.ts'
export type { GroupProgress, TopicSummary } from './messaging/kafka/inspect.ts'
export type { PartitionSpan } from './messaging/kafka/reader.ts'
export type { ReadRecord } from './messaging/kafka/records.ts'
export type { Place } from './messaging/transport.ts'

export interface Operator extends AsyncDisposable {
  readonly inspect: Inspector
  readonly reader: TopicReader
  readonly deadLetters: DeadLetters
}

export interface OperatorOptions {
  /** `host:port` of one broker or more. */
  readonly bootstrap: readonly string[]
  /** Client id, which the broker's log names. */
  readonly name: string
  readonly log: KafkaContext['log']
}

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
    async [Symbol.asyncDispose]() {
      await Promise.all([producer.close(), inspect.close(), reader.close()])
    },
  }
}

/** Where dead letters are read from and sent to, made of its parts. */
export const letterBox = (reader: TopicReader, inspect: Inspector, send: LetterBox['send']): LetterBox => ({
  send,
  committed: inspect.committed,
  reads: inspect.reads,
  async *readAll(topic) {
    const spans = (await reader.spans(topic)) ?? []
    const ranges = new Map(spans.map(({ partition, beginning, end }) => [partition, { from: beginning, until: end }]))
    for await (const { record } of reader.read(topic, ranges)) yield record
  },
})
