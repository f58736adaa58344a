/** Which topics a service needs to be there. */
import { deadLetterTopic, type Topic } from '@svyaz/contracts/vocabulary.ts'
import type { TransportTopic } from './transport.ts'

/**
 * What it writes and what it reads, each with its dead letters: two services may both make a topic, from the same
 * contract, so that none of them must be started first.
 */
export function topicsToMake(topics: readonly Topic[]): TransportTopic[] {
  const rows = new Map<string, TransportTopic>()
  for (const { name, partitions } of topics) {
    rows.set(name, { name, partitions })
    const dead = deadLetterTopic(name)
    rows.set(dead, { name: dead, partitions })
  }
  return [...rows.values()]
}

/** Topics are kept for at most 6 days, a day less than the inbox remembers (reliability rule 3). */
export const topicConfigs = [{ name: 'retention.ms', value: String(6 * 24 * 60 * 60 * 1_000) }]
