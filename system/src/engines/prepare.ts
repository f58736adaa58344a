/** What has to be done once at engines before services start against them: databases with their roles, topics. */
import { topics } from '@svyaz/contracts'
import { makeRabbitTopics } from '@svyaz/kit/rabbitmq-topic-job'
import { makeTopics, type TopicReport } from '@svyaz/kit/topic-job'
import type { Topology } from '../../topology.ts'
import { ensureDatabases } from '../postgres/index.ts'
import { ensureCredentials } from '../supervisor/credentials.ts'
import { SupervisorError } from '../supervisor/errors.ts'
import { placesIn } from '../supervisor/places.ts'
import type { Engines } from './addresses.ts'
import { databasesNeeded, onEngines } from './topology.ts'

/**
 * Repeating it changes nothing.
 *
 * @returns the topology to start
 * @throws SupervisorError with a sentence for the person who gave the addresses.
 */
export async function prepareEngines(topology: Topology, engines: Engines, home: string): Promise<Topology> {
  const { password } = ensureCredentials(placesIn(home).keys, topology)
  const databases = databasesNeeded(topology, engines).map((name) => ({ name, role: name, password: password(name) }))
  const { postgres } = engines
  await Promise.all([
    postgres !== undefined && said('PostgreSQL, SVYAZ_POSTGRES_URL', () => ensureDatabases(postgres, databases, false)),
    (engines.kafka ?? engines.rabbitmq) && makeAllTopics(engines),
  ])
  return onEngines(topology, engines, password)
}

/** @throws SupervisorError also when topics are there and not as they should be. */
export async function makeAllTopics(engines: Engines): Promise<TopicReport> {
  const report = engines.rabbitmq === undefined ? await onKafka(engines) : await onRabbit(engines.rabbitmq)
  if (report.faults.length > 0)
    throw new SupervisorError(`topics are not as they should be:\n  ${report.faults.join('\n  ')}`)
  return report
}

const onRabbit = (url: string): Promise<TopicReport> =>
  said('RabbitMQ, SVYAZ_RABBITMQ_URL', () => makeRabbitTopics({ url, clientId: 'svyaz-topics', topics }))

const onKafka = ({ kafka = [], replicationFactor, minInsyncReplicas }: Engines): Promise<TopicReport> =>
  said('Kafka, SVYAZ_KAFKA_BROKERS', () =>
    makeTopics({
      brokers: kafka,
      clientId: 'svyaz-topics',
      topics,
      replicationFactor,
      minInsyncReplicas,
      random: Math.random,
    }),
  )

async function said<T>(engine: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new SupervisorError(`${engine}: ${wordsOf(cause)}`, { cause })
  }
}

/** Clients wrap what happened: the innermost words say it. */
function wordsOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : (error as { cause?: unknown } | undefined)?.cause
  if (inner) return wordsOf(inner)
  return error instanceof Error ? error.message || error.name : String(error)
}
