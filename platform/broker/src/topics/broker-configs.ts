/** The settings of the broker under the names that Apache Kafka's tools look for. They are set at start only. */
import type { Broker } from '../broker.ts'
import type { ConfigType } from './topic-configs.ts'

export interface BrokerConfig {
  readonly name: string
  readonly value: string
  readonly type: ConfigType
  readonly default: string
  readonly documentation: string
}

/** The broker's own settings, as DescribeConfigs shows them: read-only. */
export function brokerConfigs(broker: Broker): readonly BrokerConfig[] {
  const { limits, advertised } = broker
  const row = (name: string, type: ConfigType, value: string | number | boolean, documentation: string) => ({
    name,
    type,
    value: String(value),
    default: String(value),
    documentation,
  })
  const listener = `PLAINTEXT://${advertised.host}:${advertised.port}`
  return [
    row('node.id', 'int', broker.nodeId, 'The number of this node.'),
    row('broker.id', 'int', broker.nodeId, 'The number of this node.'),
    row('advertised.listeners', 'string', listener, 'Where clients are told to connect.'),
    row('auto.create.topics.enable', 'boolean', broker.autoCreateTopics, 'Whether asking for a topic makes it.'),
    row('num.partitions', 'int', broker.defaultPartitions, 'Partitions of a topic made without a number.'),
    row('default.replication.factor', 'int', 1, 'There is one node.'),
    row('min.insync.replicas', 'int', 1, 'There is one node.'),
    row('message.max.bytes', 'int', 1_048_588, 'Largest record batch, where the topic says nothing else.'),
    row('log.retention.ms', 'long', 604_800_000, 'Retention, where the topic says nothing else.'),
    row('log.retention.bytes', 'long', -1, 'Retention, where the topic says nothing else.'),
    row('log.flush.interval.messages', 'long', 1, 'Every acknowledged batch is synced.'),
    row('socket.request.max.bytes', 'int', limits.requestBytesMax, 'Larger requests close the connection.'),
    row('fetch.max.bytes', 'int', limits.fetchBytesMax, 'Most bytes of one Fetch answer.'),
    row('connections.max.idle.ms', 'long', limits.idleConnectionMs, 'A silent connection is closed.'),
    row('max.connections', 'int', limits.connectionsMax, 'Beyond it the longest waiting connection is closed.'),
    row('max.connections.per.ip', 'int', limits.connectionsPerAddressMax, 'The same, for one address.'),
    row('group.min.session.timeout.ms', 'int', limits.sessionTimeoutMsMin, 'Shortest session of a group member.'),
    row('group.max.session.timeout.ms', 'int', limits.sessionTimeoutMsMax, 'Longest session of a group member.'),
    row('group.max.size', 'int', limits.membersMax, 'Most members of a group.'),
    row('group.initial.rebalance.delay.ms', 'int', limits.initialRebalanceDelayMs, 'Wait for more first members.'),
    row('offset.metadata.max.bytes', 'int', limits.offsetMetadataBytesMax, 'Longest metadata of a commit.'),
  ]
}
