/**
 * What the system promises, as one list: alert rules, dashboards, the console and an exit code read it. Each row says how
 * the value is computed (PromQL over what every process exposes), over which window and under which load it holds, and how
 * many samples it takes: fewer is "no data", never green.
 */

import type { Level } from '@svyaz/metrics'
import { topology } from './topology.ts'

export { judgeLevel, type Verdict, withWindow } from '@svyaz/metrics'

export interface ServiceLevel extends Level {
  readonly what: string
  readonly objective: { readonly at: 'most' | 'least'; readonly value: number; readonly unit: Unit }
  /**
   * What the error budget is a share of. `events`: the ratio itself, over a day. `time`: the minutes in which there was a
   * verdict, of which one in a hundred may be missed.
   */
  readonly budget: 'events' | 'time'
  /** Under which load the promise is made. */
  readonly load: string
  /** What a ratio is of. */
  readonly denominator?: string
  readonly severity: 'critical' | 'warning'
  /** How long it may be missed before somebody is told. */
  readonly patience: string
  /** What to look at first. */
  readonly runbook: string
}

export type Unit = 'seconds' | 'ratio' | 'requests/s' | 'messages/s' | 'messages'

/** A process runs its own code on one thread. */
const coresPerProcess = 1
/** Memory that an instance of a service is given: the heap it may use, and half as much for what lies outside of it. */
export const memoryLimitMb = Math.round(
  1.5 * Math.max(...topology.processes.filter(({ kind }) => kind === 'service').map(({ heap }) => heap.oldSpaceMb)),
)

/** Answers that last as long as somebody listens say nothing about how fast a service is. */
const streamedRoutes = '.*/(follow|stream)'
const streamedMethods = '.*/(FollowOrder|BulkRestock|TrackDeliveries)'

const perSecond = (metric: string, labels = ''): string => `rate(${metric}${labels && `{${labels}}`}[$window])`
const total = (metric: string, labels: string, by: readonly string[]): string =>
  `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (${perSecond(metric, labels)})`
const counted = (metric: string, labels: string, by: readonly string[]): string =>
  `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (increase(${metric}${labels && `{${labels}}`}[$window]))`

/** Mean seconds of a histogram. */
const mean = (metric: string, labels: string, by: readonly string[] = []) => ({
  expression: `${total(`${metric}_sum`, labels, by)} / (${total(`${metric}_count`, labels, by)} > 0)`,
  samples: counted(`${metric}_count`, labels, by),
})

const gateway = 'http_server_request_duration_seconds'
const gatewayRequests = total(`${gateway}_count`, 'service="gateway"', [])
const handled = total('svyaz_messages_handled_total', 'outcome=~"done|duplicate"', [])

export const serviceLevels: readonly ServiceLevel[] = [
  {
    id: 'gateway-latency',
    what: 'Gateway latency, mean of GET /products',
    objective: { at: 'most', value: 0.2, unit: 'seconds' },
    ...mean(gateway, 'service="gateway", method="GET", route="/products"'),
    samplesMin: 20,
    by: [],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'critical',
    patience: '2m',
    runbook: 'Dashboard Services: is the gateway or inventory slow? Then CPU of both, and the database of inventory.',
  },
  {
    id: 'gateway-throughput',
    what: 'Gateway throughput',
    objective: { at: 'least', value: 1_000, unit: 'requests/s' },
    expression: gatewayRequests,
    samples: counted(`${gateway}_count`, 'service="gateway"', []),
    samplesMin: 1_000,
    by: [],
    window: '1m',
    load: 'at least 1,000 requests/s offered',
    brokenWhen: `(${gatewayRequests}) < 1000 and (sum(${perSecond('gateway_shed_total')}) or vector(0)) > 0`,
    budget: 'time',
    severity: 'warning',
    patience: '1m',
    runbook: 'It turns requests away below what it promises: scale the gateway, look at what it waits for.',
  },
  {
    id: 'gateway-errors',
    what: 'Gateway error rate',
    objective: { at: 'most', value: 0.01, unit: 'ratio' },
    expression: `(${total(`${gateway}_count`, 'service="gateway", status=~"5.."', [])} or vector(0)) / (${gatewayRequests} > 0)`,
    samples: counted(`${gateway}_count`, 'service="gateway"', []),
    samplesMin: 100,
    by: [],
    window: '5m',
    load: 'any',
    denominator: 'all answered requests of the gateway',
    budget: 'events',
    severity: 'critical',
    patience: '2m',
    runbook: 'Which route and status (dashboard Services), which breaker is open, which instance is down.',
  },
  {
    id: 'service-latency',
    what: 'Service latency over HTTP, mean of each service',
    objective: { at: 'most', value: 0.3, unit: 'seconds' },
    ...mean(gateway, `service!="gateway", route!~"${streamedRoutes}"`, ['service']),
    samplesMin: 20,
    by: ['service'],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'warning',
    patience: '2m',
    runbook: 'Its database first, then what it calls (breakers, retries), then its CPU.',
  },
  {
    id: 'cpu',
    what: 'CPU of each instance',
    objective: { at: 'most', value: 0.8, unit: 'ratio' },
    expression: `${total('process_cpu_seconds_total', 'service!=""', ['service', 'instance'])} / ${coresPerProcess}`,
    samples: 'sum by (service, instance) (count_over_time(process_cpu_seconds_total{service!=""}[$window]))',
    samplesMin: 4,
    by: ['service', 'instance'],
    window: '5m',
    load: 'any',
    denominator: `${coresPerProcess} core an instance`,
    budget: 'time',
    severity: 'warning',
    patience: '5m',
    runbook: 'More load: scale it. The same load: a profile of the instance, and what changed.',
  },
  {
    id: 'memory',
    what: 'Memory of each instance',
    objective: { at: 'most', value: 0.7, unit: 'ratio' },
    expression: `max by (service, instance) (process_resident_memory_bytes{service!=""}) / ${memoryLimitMb * 2 ** 20}`,
    samples: 'sum by (service, instance) (count_over_time(process_resident_memory_bytes{service!=""}[$window]))',
    samplesMin: 4,
    by: ['service', 'instance'],
    window: '5m',
    load: 'any',
    denominator: `${memoryLimitMb} MiB an instance: its heap limit and half as much outside of it`,
    budget: 'time',
    severity: 'warning',
    patience: '10m',
    runbook:
      'Does it go back after garbage collection (nodejs_heap_size_used_bytes)? If not, restart it and look for the leak.',
  },
  {
    id: 'database',
    what: 'Database query, mean of each service',
    objective: { at: 'most', value: 0.1, unit: 'seconds' },
    ...mean('svyaz_database_statement_seconds', 'service!=""', ['service']),
    samplesMin: 50,
    by: ['service'],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'warning',
    patience: '2m',
    runbook:
      'svyaz_database_waiting above 0: the pool is short. Otherwise pg_stat_activity: locks and long statements.',
  },
  {
    id: 'message-latency',
    what: 'Message latency, from the making of an event to its handler',
    objective: { at: 'most', value: 0.5, unit: 'seconds' },
    ...mean('svyaz_receive_latency_seconds', 'service!=""', ['group']),
    samplesMin: 20,
    by: ['group'],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'warning',
    patience: '2m',
    runbook: 'Outbox age (publisher or broker), then lag of the group (its handlers or what they wait for).',
  },
  {
    id: 'message-throughput',
    what: 'Message throughput',
    objective: { at: 'least', value: 5_000, unit: 'messages/s' },
    expression: handled,
    samples: counted('svyaz_messages_handled_total', 'outcome=~"done|duplicate"', []),
    samplesMin: 5_000,
    by: [],
    window: '1m',
    load: 'at least 5,000 messages/s offered to one broker',
    brokenWhen: `(${handled}) < 5000 and max(sum by (group, topic) (svyaz_consumer_lag)) > 1000`,
    budget: 'time',
    severity: 'warning',
    patience: '5m',
    runbook: 'Which group lags: scale its service up to the number of partitions.',
  },
  {
    id: 'unread-messages',
    what: 'Unread messages of each group in each topic',
    objective: { at: 'most', value: 1_000, unit: 'messages' },
    expression: 'sum by (group, topic) (max by (group, topic, partition) (svyaz_consumer_lag))',
    samples: 'sum by (group, topic) (count_over_time(svyaz_consumer_lag[$window]))',
    samplesMin: 4,
    by: ['group', 'topic'],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'warning',
    patience: '5m',
    runbook:
      'Is the group paused by something that is away (its log says so once), or too slow? Scale, or bring that back.',
  },
  {
    id: 'message-loss',
    what: 'Messages that no consumer could handle',
    objective: { at: 'most', value: 0.0001, unit: 'ratio' },
    expression: `(sum(increase(svyaz_messages_dead_total[$window])) or vector(0)) / (${counted('svyaz_messages_handled_total', 'outcome=~"done|duplicate"', [])} > 0)`,
    samples: counted('svyaz_messages_handled_total', 'outcome=~"done|duplicate"', []),
    samplesMin: 100,
    by: [],
    window: '1h',
    load: 'any',
    denominator: 'messages handled; what was given up is kept in the dead letters, from where it can be replayed',
    budget: 'events',
    severity: 'critical',
    patience: '0m',
    runbook: 'Read the dead letters (npx svyaz dlq), mend the cause, replay them.',
  },
  {
    id: 'uptime',
    what: 'Uptime of each service: at least one instance answers',
    objective: { at: 'least', value: 0.999, unit: 'ratio' },
    expression: 'avg_over_time((max by (service) (up{job="svyaz"}))[$window:30s])',
    samples: 'sum by (service) (count_over_time(up{job="svyaz"}[$window]))',
    samplesMin: 20,
    by: ['service'],
    window: '30d',
    load: 'any',
    denominator: 'looks of Prometheus, one each 30 s',
    budget: 'events',
    severity: 'critical',
    patience: '0m',
    runbook: 'Who went down and why: npx svyaz ps, npx svyaz logs <service>.',
  },
  {
    id: 'network-latency',
    what: 'Network latency between services: a unary gRPC call as its caller sees it, less what its server needed',
    objective: { at: 'most', value: 0.05, unit: 'seconds' },
    expression: [
      `clamp_min(sum by (method) (rate(grpc_client_request_duration_seconds_sum{method!~"${streamedMethods}"}[$window]))`,
      ` / (sum by (method) (rate(grpc_client_request_duration_seconds_count{method!~"${streamedMethods}"}[$window])) > 0)`,
      ` - sum by (method) (rate(grpc_server_request_duration_seconds_sum{method!~"${streamedMethods}"}[$window]))`,
      ` / (sum by (method) (rate(grpc_server_request_duration_seconds_count{method!~"${streamedMethods}"}[$window])) > 0), 0)`,
    ].join(''),
    samples: counted('grpc_client_request_duration_seconds_count', `method!~"${streamedMethods}"`, ['method']),
    samplesMin: 20,
    by: ['method'],
    window: '5m',
    load: 'any',
    budget: 'time',
    severity: 'warning',
    patience: '5m',
    runbook:
      'An event loop that lags on either side looks the same: nodejs_eventloop_lag_p99_seconds first, then the network.',
  },
]
