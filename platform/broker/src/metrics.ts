/** The metrics page: Prometheus text format 0.0.4. */
import { type MetricLabels, metricText } from '@svyaz/stage/metrics-text'
import type { Broker } from './index.ts'

/** The page of `/metrics`. Everything is read when it is asked for; nothing is kept up to date beside the work. */
export function metricsText(broker: Broker): string {
  return [...ofTraffic(broker), ...ofLog(broker), ...ofTopicsAndGroups(broker)].join('')
}

function ofTraffic({ parts, traffic }: Broker): string[] {
  const apis = [...traffic.apis()].filter(([, { requests }]) => requests > 0)
  return [
    metric('svyaz_broker_requests_total', 'counter', 'Requests answered, by API.', (add) => {
      for (const [api, { requests }] of apis) add({ api }, requests)
    }),
    metric('svyaz_broker_request_seconds_total', 'counter', 'Time from request to answer, waits included.', (add) => {
      for (const [api, { msTotal }] of apis) add({ api }, msTotal / 1000)
    }),
    metric('svyaz_broker_received_bytes_total', 'counter', 'Bytes from clients.', (add) => add({}, traffic.bytesIn)),
    metric('svyaz_broker_sent_bytes_total', 'counter', 'Bytes to clients.', (add) => add({}, traffic.bytesOut)),
    metric('svyaz_broker_connections', 'gauge', 'Open connections.', (add) => add({}, traffic.connections)),
    metric('svyaz_broker_connections_total', 'counter', 'Connections admitted.', (add) =>
      add({}, traffic.connectionsTotal),
    ),
    metric('svyaz_broker_connections_refused_total', 'counter', 'Connections closed for a broken rule.', (add) => {
      for (const [rule, count] of traffic.closedFor) add({ rule }, count)
    }),
    metric('svyaz_broker_parked_fetches', 'gauge', 'Fetches that wait for data.', (add) =>
      add({}, parts.growth.waiting),
    ),
  ]
}

function ofLog({ parts }: Broker): string[] {
  const log = parts.log.stats()
  return [
    metric('svyaz_broker_log_syncs_total', 'counter', 'Syncs of the write-ahead log.', (add) => add({}, log.syncs)),
    metric('svyaz_broker_log_sync_seconds_total', 'counter', 'Time in those syncs.', (add) =>
      add({}, log.syncMsTotal / 1000),
    ),
    metric('svyaz_broker_log_units_total', 'counter', 'Units written: one write and one sync each.', (add) =>
      add({}, log.units),
    ),
    metric('svyaz_broker_log_appended_bytes_total', 'counter', 'Bytes appended.', (add) => add({}, log.appendedBytes)),
    metric('svyaz_broker_log_pending_bytes', 'gauge', 'Accepted and not yet durable.', (add) =>
      add({}, log.pendingBytes),
    ),
    metric('svyaz_broker_log_unarchived_segments', 'gauge', 'Log segments not yet in partition segments.', (add) =>
      add({}, log.unarchivedSegments),
    ),
    metric('svyaz_broker_log_storage_full', 'gauge', '1 while writes are refused for want of space.', (add) =>
      add({}, log.storage === 'full' ? 1 : 0),
    ),
    metric(
      'svyaz_broker_log_storage_low',
      'gauge',
      '1 while the disk is full, whether writes still go on or not.',
      (add) => add({}, log.storage === 'ok' ? 0 : 1),
    ),
  ]
}

function ofTopicsAndGroups(broker: Broker): string[] {
  const { parts } = broker
  return [
    metric(
      'svyaz_broker_log_damaged_places',
      'gauge',
      '1 for each place where a reader found damaged records.',
      (add) => {
        for (const { topic, partition, file, position } of parts.damage.places())
          add({ topic, partition, file, position }, 1)
      },
    ),
    metric('svyaz_broker_topics', 'gauge', 'Topics.', (add) => add({}, parts.topics.size)),
    metric('svyaz_broker_partition_bytes', 'gauge', 'Record bytes of a partition.', (add) => {
      for (const { topicId, partition, bytes } of parts.log.sizes()) {
        const topic = parts.topics.byId(topicId)
        if (topic !== undefined) add({ topic: topic.name, partition }, bytes)
      }
    }),
    metric('svyaz_broker_partition_end_offset', 'gauge', 'Next offset of a partition.', (add) => {
      for (const { name, topicId, partitions } of parts.topics.all()) {
        for (let partition = 0; partition < partitions; partition++) {
          add({ topic: name, partition }, parts.log.bounds(topicId, partition).nextOffset)
        }
      }
    }),
    metric('svyaz_broker_group_members', 'gauge', 'Members of a group.', (add) => {
      for (const { groupId, members } of parts.groups.all()) add({ group: groupId }, members.size)
    }),
    metric('svyaz_broker_group_lag_records', 'gauge', 'Records behind the committed offset of a group.', (add) => {
      for (const { group, topic, partition, lag } of lags(broker)) add({ group, topic, partition }, lag)
    }),
  ]
}

function* lags({ parts }: Broker): Iterable<{ group: string; topic: string; partition: number; lag: bigint }> {
  for (const group of parts.offsets.groups()) {
    for (const [name, partitions] of parts.offsets.of(group)) {
      const topic = parts.topics.get(name)
      if (topic === undefined) continue
      for (const [partition, { offset }] of partitions) {
        const { nextOffset } = parts.log.bounds(topic.topicId, partition)
        yield { group, topic: name, partition, lag: nextOffset > offset ? nextOffset - offset : 0n }
      }
    }
  }
}

function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  collect: (add: (labels: MetricLabels, value: number | bigint) => void) => void,
): string {
  const samples: [MetricLabels, number | bigint][] = []
  collect((labels, value) => samples.push([labels, value]))
  return metricText(name, type, help, samples)
}
