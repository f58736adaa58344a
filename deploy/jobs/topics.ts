/** Makes every topic of the contracts, and each one's dead letters: three copies, of which two acknowledge. */
import { topics } from '@svyaz/contracts/index.ts'
import { makeTopics as makeTopicsOn } from '@svyaz/kit/topic-job'
import { insist, kafkaBrokers } from './config.ts'

/** The topics of the contracts, on Kafka. What is there and differs is printed. */
export async function makeTopics(): Promise<void> {
  await insist('Kafka', async () => {
    const { made, present, faults } = await makeTopicsOn({
      brokers: kafkaBrokers,
      clientId: 'svyaz-topics',
      topics,
      replicationFactor: 3,
      minInsyncReplicas: 2,
      random: Math.random,
    })
    for (const fault of faults) process.stderr.write(`${fault}\n`)
    process.stdout.write(`${made.length} topics made, ${present.length} were there\n`)
  })
}
