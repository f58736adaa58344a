/**
 * Makes every topic on a cluster that is not ours, before services start: their own creation is for the embedded profile,
 * where they take the broker's defaults. What is there already is judged, never changed.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import { topicConfigs, topicsToMake } from '../topics.ts'
import type { TransportTopic } from '../transport.ts'
import { Admin, type ClusterTopicMetadata, ConfigResourceTypes, findErrorBy } from './client.ts'
import { clientSettings } from './settings.ts'

export interface TopicJob {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** The contracts' topics; their dead letters are added. */
  readonly topics: readonly Topic[]
  /** Copies of each partition. */
  readonly replicationFactor: number
  /** Copies that must have a record before it is acknowledged (acks all); fewer in sync, and writes are refused. */
  readonly minInsyncReplicas: number
  readonly random: () => number
}

export interface TopicReport {
  readonly made: readonly string[]
  readonly present: readonly string[]
  /** Sentences about topics that are there and not as they should be. */
  readonly faults: readonly string[]
}

/** @throws Error of the client when the cluster can't be reached or refuses (too few brokers, no rights). */
export async function makeTopics(job: TopicJob): Promise<TopicReport> {
  const environment = { instance: job.clientId, kafkaBrokers: job.brokers }
  const admin = new Admin({ ...clientSettings({ environment, random: job.random }), retries: 5 })
  admin.on('error', () => {})
  try {
    const there = new Set(await admin.listTopics())
    const wanted = topicsToMake(job.topics)
    const [present, missing] = [
      wanted.filter(({ name }) => there.has(name)),
      wanted.filter(({ name }) => !there.has(name)),
    ]
    const made: string[] = []
    for (const topic of missing) if (await make(admin, job, topic)) made.push(topic.name)
    const faults = await judge(admin, job, present)
    return { made, present: present.map(({ name }) => name), faults }
  } finally {
    await admin.close().catch(() => undefined)
  }
}

/** False when somebody else was quicker. */
async function make(admin: Admin, job: TopicJob, topic: TransportTopic): Promise<boolean> {
  try {
    await admin.createTopics({
      topics: [topic.name],
      partitions: topic.partitions,
      replicas: job.replicationFactor,
      configs: [...topicConfigs(topic.name), { name: 'min.insync.replicas', value: String(job.minInsyncReplicas) }],
    })
    return true
  } catch (error) {
    if (findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) return false
    throw error
  }
}

async function judge(admin: Admin, job: TopicJob, present: readonly TransportTopic[]): Promise<string[]> {
  if (present.length === 0) return []
  const names = present.map(({ name }) => name)
  const { topics } = await admin.metadata({ topics: names })
  const descriptions = await admin.describeConfigs({
    resources: names.map((resourceName) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: ['min.insync.replicas'],
    })),
  })
  const minimum = new Map(
    descriptions.map(({ resourceName, configs }) => [
      resourceName,
      Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1),
    ]),
  )
  return present.flatMap((topic) => faultsOf(topic, topics.get(topic.name), minimum.get(topic.name) ?? 1, job))
}

/** Pure: what is not as it should be. More than asked for is not a fault. */
export const faultsOf = (
  wanted: TransportTopic,
  found: Pick<ClusterTopicMetadata, 'partitions'> | undefined,
  minInsyncReplicas: number,
  job: Pick<TopicJob, 'replicationFactor' | 'minInsyncReplicas'>,
): string[] => {
  if (!found) return [`${wanted.name} is listed and can't be described`]
  const copies = Math.min(...found.partitions.map((partition) => partition.replicas.length))
  return [
    // More would send a key elsewhere than the writers before did.
    ...(found.partitions.length === wanted.partitions
      ? []
      : [`${wanted.name} has ${found.partitions.length} partitions; the contract says ${wanted.partitions}`]),
    ...(copies >= job.replicationFactor
      ? []
      : [`${wanted.name} has ${copies} replicas a partition; ${job.replicationFactor} are asked for`]),
    ...(minInsyncReplicas >= job.minInsyncReplicas
      ? []
      : [`${wanted.name} has min.insync.replicas ${minInsyncReplicas}; ${job.minInsyncReplicas} is asked for`]),
  ]
}
