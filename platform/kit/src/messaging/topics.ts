/** Which topics a service needs to be there. */
import { deadLetterTopic, groupsOf, type Topic } from '@svyaz/contracts/vocabulary.ts'
import type { TransportTopic } from './transport.ts'

/**
 * What it writes and what it reads, each with its dead letters: two services may both make a topic, from the same
 * contract, so that none of them must be started first.
 */
export function topicsToMake(topics: readonly Topic[]): TransportTopic[] {
  const rows = new Map<string, TransportTopic>()
  for (const topic of topics) {
    const { name, partitions } = topic
    rows.set(name, { name, partitions, groups: groupsOf(topic) })
    const dead = deadLetterTopic(name)
    rows.set(dead, { name: dead, partitions })
  }
  return [...rows.values()]
}

/** Kafka's default for a batch, and room beside the largest record for what a dead letter says of it. */
const recordBytesMax = 1_048_588
const letterBytesMax = recordBytesMax + 64 * 1024

/**
 * Settings of a topic on Kafka. It is kept for at most 6 days, a day less than the inbox remembers (reliability rule 3);
 * dead letters may be larger than the records that they are made of.
 */
export const topicConfigs = (name: string): { name: string; value: string }[] => [
  { name: 'retention.ms', value: String(6 * 24 * 60 * 60 * 1_000) },
  ...(isDeadLetterTopic(name) ? [{ name: 'max.message.bytes', value: String(letterBytesMax) }] : []),
]

/** By its name (`deadLetterTopic` of the contracts). */
export const isDeadLetterTopic = (name: string): boolean => name.endsWith('.dlq')
