/** Makes exchange, queues and bindings on a RabbitMQ before services start, as kafka/topic-job.ts does on a cluster. */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import { systemClock } from '../../process/clock.ts'
import type { TopicReport } from '../kafka/topic-job.ts'
import { topicsToMake } from '../topics.ts'
import { RabbitConnection } from './connection.ts'
import { declareTopics } from './declare.ts'
import type { QueueKind } from './topology.ts'

export interface RabbitTopicJob {
  readonly url: string
  readonly clientId: string
  /** The contracts' topics; their dead letters are added. */
  readonly topics: readonly Topic[]
  /** Default: by the server's version. */
  readonly queues?: QueueKind
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/**
 * Repeating it changes nothing.
 * @returns all as made: AMQP doesn't say what was there before
 * @throws Error when the server can't be reached or refuses
 */
export async function makeRabbitTopics({ url, clientId, topics, queues }: RabbitTopicJob): Promise<TopicReport> {
  const environment = { instance: clientId, rabbitmqUrl: url, rabbitmqQueues: queues }
  const connection = new RabbitConnection(
    { environment, clock: systemClock, random: Math.random, log: silent },
    'makes',
  )
  try {
    const wanted = topicsToMake(topics)
    const different = await declareTopics(connection, wanted)
    return {
      made: wanted.map(({ name }) => name),
      present: [],
      faults: different.map((queue) => `the queue ${queue} is there with other arguments; delete it when it is empty`),
    }
  } finally {
    await connection.close()
  }
}
