/** Makes topics, and reads one from end to end without a group. */

import type { Core } from '../../core.ts'
import { backOffMs } from '../../database/back-off.ts'
import type { IncomingRecord, TransportTopic } from '../transport.ts'
import { Admin, Consumer, findErrorBy, ListOffsetTimestamps } from './client.ts'
import { readBatches } from './records.ts'
import { clientSettings, consumerSettings, fetchSettings, topicConfigs } from './settings.ts'

/** Tries until every topic is there or the signal says to stop. */
export async function ensureTopics(core: Core, topics: readonly TransportTopic[], signal: AbortSignal): Promise<void> {
  const admin = new Admin({ ...clientSettings(core), retries: 0 })
  admin.on('error', () => {})
  try {
    const missing = new Set(topics)
    for (let failures = 0; missing.size > 0 && !signal.aborted; ) {
      try {
        for (const topic of missing) {
          await createTopic(admin, topic)
          missing.delete(topic)
        }
      } catch (error) {
        failures += 1
        if (failures === 1) core.log.warn({ error: String(error) }, 'waiting for the broker')
        await core.clock.delay(backOffMs(failures, 50, 1_000, core.random), signal).catch(() => undefined)
      }
    }
  } finally {
    await admin.close().catch(() => undefined)
  }
}

/** One request each: a request for many fails as a whole when one of them is there. */
async function createTopic(admin: Admin, topic: TransportTopic): Promise<void> {
  try {
    await admin.createTopics({
      topics: [topic.name],
      partitions: topic.partitions,
      replicas: -1,
      configs: topicConfigs,
    })
  } catch (error) {
    if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** @returns what lies in the topic now, at most `recordsMax` records */
export async function readAll(core: Core, topic: string, recordsMax: number): Promise<IncomingRecord[]> {
  // It never joins: the group id is only what the client insists on.
  const consumer = new Consumer({ ...consumerSettings(core, 'svyaz-reader') })
  consumer.on('error', () => {})
  consumer.topics.track(topic)
  try {
    const metadata = await consumer.metadata({ topics: [topic] })
    const known = metadata.topics.get(topic)
    if (!known) return []
    const beginnings = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.EARLIEST })
    const ends = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST })
    const found: IncomingRecord[] = []
    for (const [partition, { leader }] of known.partitions.entries()) {
      let position = beginnings.get(topic)?.[partition] ?? 0n
      const end = ends.get(topic)?.[partition] ?? 0n
      while (position < end && found.length < recordsMax) {
        const response = await consumer.fetch({
          node: leader,
          minBytes: 1,
          maxBytes: fetchSettings.maxBytes,
          maxWaitTime: 1_000,
          topics: [
            {
              topicId: known.id,
              partitions: [
                {
                  partition,
                  fetchOffset: position,
                  partitionMaxBytes: fetchSettings.maxBytesPerPartition,
                  currentLeaderEpoch: -1,
                  lastFetchedEpoch: -1,
                },
              ],
            },
          ],
        })
        const answer = response.responses
          .flatMap((row) => row.partitions)
          .find((row) => row.partitionIndex === partition)
        const { records, next } = readBatches(topic, partition, position, answer?.records ?? [])
        found.push(...records.map((read) => read.record))
        // Nothing came although there should be something: what is left is an open transaction's.
        if (next === position) break
        position = next
      }
    }
    return found.slice(0, recordsMax)
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}
