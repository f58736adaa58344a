/** Makes every topic of the contracts, and each one's dead letters, with the replication that the cluster defaults to. */

import { Admin } from '@platformatic/kafka'
import { topics } from '@svyaz/contracts/index.ts'
import { topicConfigs, topicsToMake } from '@svyaz/kit/topics'
import { insist, kafkaBrokers } from './config.ts'

export async function makeTopics(): Promise<void> {
  const wanted = topicsToMake(topics)
  await insist('Kafka', async () => {
    const admin = new Admin({
      clientId: 'svyaz-topics',
      bootstrapBrokers: kafkaBrokers,
      retries: 0,
      connectTimeout: 3_000,
    })
    admin.on('error', () => {})
    try {
      const present = new Set(await admin.listTopics())
      // One request each: a request for many fails as a whole when one of them is there by now.
      for (const { name, partitions } of wanted)
        if (!present.has(name))
          await admin.createTopics({ topics: [name], partitions, replicas: -1, configs: topicConfigs })
    } finally {
      await admin.close()
    }
  })
  process.stdout.write(`${wanted.length} topics are in place\n`)
}
