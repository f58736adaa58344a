/**
 * Every setting of the Kafka client, as data, because its defaults lose data (reliability rule 16,
 * docs/decisions/0021): nothing in this folder constructs a client from anything else.
 */

import type { Core } from '../../core.ts'
import type { KitEnvironment } from '../../process/environment.ts'
import { type Base, compatibilityPartitioner, FetchIsolationLevels, findErrorBy, ProduceAcks } from './client.ts'

/** The part of a Core that reaches as far as the broker: a service has one, and so has an operator's tool. */
export interface KafkaContext extends Pick<Core, 'clock' | 'random' | 'log'> {
  readonly environment: Pick<KitEnvironment, 'instance' | 'kafkaBrokers'>
}

/**
 * Between tries of one request: 50 ms doubling to 1 s, half of it jitter. The client calls this before every further try;
 * when the last one was told that the leader is another, what is remembered of leaders is forgotten, which the client
 * itself does only once for each produce request.
 */
export const retryDelay =
  (random: () => number) =>
  (client: object, _operation: string, attempt: number, _retries: number, error: Error): number => {
    if (findErrorBy(error, 'hasStaleMetadata', true)) (client as Base).clearMetadata()
    const ceiling = Math.min(1_000, 50 * 2 ** Math.min(attempt - 1, 10))
    return Math.round(ceiling / 2 + (random() * ceiling) / 2)
  }

/** Settings that every Kafka client of this process shares. */
export const clientSettings = (core: Pick<KafkaContext, 'environment' | 'random'>) => ({
  clientId: core.environment.instance,
  bootstrapBrokers: [...core.environment.kafkaBrokers],
  connectTimeout: 3_000,
  // Longer than a parked fetch and a join that waits for its group; shorter than anybody's patience with a dead peer.
  requestTimeout: 15_000,
  retryDelay: retryDelay(core.random),
  // Errors that point to stale metadata refresh them at once; this is for what no error reports.
  metadataMaxAge: 300_000,
  // Topics are made from the contracts, with their partitions (topics.ts), never by a typing mistake.
  autocreateTopics: false,
})

/** Settings of the producer: idempotent, acknowledged by all replicas. */
export const producerSettings = (core: KafkaContext) => ({
  ...clientSettings(core),
  idempotent: true,
  acks: ProduceAcks.ALL,
  // Java's partitioner: a key is in the same partition whoever wrote it. It reads Buffer keys only.
  partitioner: compatibilityPartitioner,
  // About a minute and a half under one producer id, then the publisher starts over with what is unsent.
  retries: 100,
})

/**
 * Settings of a consumer.
 * @param group its group id
 * @param alone nobody else is ever in the group: a member that died is missed by nobody
 */
export const consumerSettings = (core: KafkaContext, group: string, alone = false) => ({
  ...clientSettings(core),
  groupId: group,
  // Static membership (KIP-345): an instance that comes back within its session finds its partitions untouched.
  groupInstanceId: core.environment.instance,
  sessionTimeout: alone ? 60_000 : 6_000,
  heartbeatInterval: alone ? 14_000 : 2_000,
  // The client wants it no shorter than the session. Alone, a join waits for nobody.
  rebalanceTimeout: alone ? 60_000 : 10_000,
  // A cluster takes a node for dead after 9 s (broker.session.timeout.ms) and elects then. A member that waits for the new
  // coordinator goes on where it was; rebuilt sooner, it would only find the old one again.
  heartbeatStallTimeout: alone ? 45_000 : 15_000,
  autocommit: false,
  isolationLevel: FetchIsolationLevels.READ_COMMITTED,
  retries: 3,
})

/**
 * Where a group starts in a partition: at the committed position, else at the beginning ("earliest"); also when the
 * committed one was retained away. Never at the end, which would skip what was written before the group first came.
 *
 * @param committed −1 or undefined when the group never committed there
 */
export const startPosition = (committed: bigint | undefined, beginning: bigint): bigint =>
  committed !== undefined && committed > beginning ? committed : beginning

export const fetchSettings = {
  minBytes: 1,
  maxBytes: 8 * 1024 * 1024,
  maxBytesPerPartition: 1024 * 1024,
  /** The broker answers at once when there is a record; this is how long an idle request is parked. */
  maxWaitMs: 7_000,
  /** While a partition is left out because it has enough to do, so that it is not forgotten for long. */
  maxWaitWhileBusyMs: 100,
  /** A partition with this many unfinished records is not fetched. */
  queuedRecordsMax: 256,
} as const

export const groupTimings = {
  /** Revoke: how long running handlers may take before the group goes on without them; below the session timeout. */
  drainMs: 4_000,
  /** Commits wait so long for company; a crash in between costs redeliveries, which the inbox drops. */
  commitEveryMs: 500,
  /** No answer to any fetch for so long: the consumer is rebuilt. */
  stallMs: 30_000,
  watchEveryMs: 5_000,
} as const
