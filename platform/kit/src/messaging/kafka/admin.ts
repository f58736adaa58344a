/** Makes topics. */

import { backOffMs } from '../../database/back-off.ts'
import { topicConfigs } from '../topics.ts'
import type { TransportTopic } from '../transport.ts'
import { Admin, findErrorBy } from './client.ts'
import { clientSettings, type KafkaContext } from './settings.ts'

/** Tries until every topic is there or the signal says to stop. */
export async function ensureTopics(
  core: KafkaContext,
  topics: readonly TransportTopic[],
  signal: AbortSignal,
): Promise<void> {
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
      configs: topicConfigs(topic.name),
    })
  } catch (error) {
    if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error
  }
}
