/** Makes every topic of the contracts, and each one's dead letters: on Kafka three copies, of which two acknowledge. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { topics } from '@svyaz/contracts/index.ts'
import { makeTopics as makeTopicsOn } from '@svyaz/kit/topic-job'
import { insist, kafkaBrokers, onRabbit, secretsOf } from './config.ts'

const clientId = 'svyaz-topics'

const onKafka = () =>
  makeTopicsOn({
    brokers: kafkaBrokers,
    clientId,
    topics,
    replicationFactor: 3,
    minInsyncReplicas: 2,
    random: Math.random,
  })

/** Its client is loaded where it is used. */
async function onRabbitMq() {
  const { makeRabbitTopics } = await import('@svyaz/kit/rabbitmq-topic-job')
  return makeRabbitTopics({ url: readFileSync(join(secretsOf('topics'), 'rabbitmq'), 'utf8'), clientId, topics })
}

/** The topics of the contracts, on Kafka or RabbitMQ. What is there and differs is printed. */
export async function makeTopics(): Promise<void> {
  await insist(onRabbit ? 'RabbitMQ' : 'Kafka', async () => {
    const { made, present, faults } = await (onRabbit ? onRabbitMq() : onKafka())
    for (const fault of faults) process.stderr.write(`${fault}\n`)
    process.stdout.write(`${made.length} topics made, ${present.length} were there\n`)
  })
}
