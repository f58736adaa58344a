/** The dashboards as data; `tools/monitoring.ts` makes Grafana's JSON of it, and a test runs every query. */
import { serviceLevels, type Unit, withWindow } from '../../system/service-levels.ts'

export interface Panel {
  readonly title: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly queries: readonly { readonly expression: string; readonly legend: string }[]
  /** A line where the objective is. */
  readonly bound?: number
}
export interface Dashboard {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly panels: readonly Panel[]
}

const units: Readonly<Record<Unit, string>> = {
  seconds: 's',
  ratio: 'percentunit',
  'requests/s': 'reqps',
  'messages/s': 'cps',
  messages: 'short',
}

const panel = (title: string, unit: string, legend: string, ...expressions: string[]): Panel => ({
  title,
  unit,
  queries: expressions.map((expression) => ({ expression, legend })),
})

const quantile = (metric: string, by: string, q: number): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket[5m])))`

export const dashboards: readonly Dashboard[] = [
  {
    id: 'svyaz-levels',
    title: 'Svyaz: service levels',
    about: 'Each promise with its bound (system/service-levels.ts).',
    panels: serviceLevels.map((level) => ({
      title: level.what,
      unit: units[level.objective.unit],
      queries: [
        {
          expression: withWindow(level.expression, level.window),
          legend: level.by.map((label) => `{{${label}}}`).join(' ') || level.id,
        },
      ],
      bound: level.objective.value,
    })),
  },
  {
    id: 'svyaz-services',
    title: 'Svyaz: services',
    about: 'Requests, errors and time of every edge, and what it waits for.',
    panels: [
      panel('Instances that answer', 'short', '{{service}}', 'sum by (service) (up{job="svyaz"})'),
      panel(
        'HTTP requests',
        'reqps',
        '{{service}}',
        'sum by (service) (rate(http_server_request_duration_seconds_count[5m]))',
      ),
      panel(
        'HTTP answers by status',
        'reqps',
        '{{service}} {{status}}',
        'sum by (service, status) (rate(http_server_request_duration_seconds_count[5m]))',
      ),
      panel(
        'HTTP, 99 of 100 within',
        's',
        '{{service}}',
        quantile('http_server_request_duration_seconds', 'service', 0.99),
      ),
      panel(
        'gRPC, 99 of 100 within',
        's',
        '{{method}}',
        quantile('grpc_server_request_duration_seconds', 'method', 0.99),
      ),
      panel(
        'gRPC answers by status',
        'reqps',
        '{{method}} {{status}}',
        'sum by (method, status) (rate(grpc_server_request_duration_seconds_count[5m]))',
      ),
      panel(
        'SQL and MongoDB, 99 of 100 within',
        's',
        '{{service}}',
        quantile('svyaz_database_statement_seconds', 'service', 0.99),
      ),
      panel(
        'Callers that wait for a connection',
        'short',
        '{{instance}}',
        'max by (instance) (svyaz_database_waiting)',
      ),
      panel(
        'Breakers: 0 closed, 1 half-open, 2 open',
        'short',
        '{{instance}} → {{dependency}}',
        'max by (instance, dependency) (breaker_state)',
      ),
      panel(
        'Instances that each believes in',
        'short',
        '{{instance}} → {{service}}',
        'max by (instance, service) (discovery_instances)',
      ),
      panel('Open WebSockets', 'short', '{{instance}}', 'max by (instance) (gateway_sockets)'),
      panel(
        'Turned away by the gateway',
        'reqps',
        '{{policy}}',
        'sum by (policy) (rate(gateway_limited_total[5m])) or vector(0)',
      ),
    ],
  },
  {
    id: 'svyaz-messages',
    title: 'Svyaz: messages',
    about: 'Outbox → topic → group, and what was given up.',
    panels: [
      panel(
        'Messages handled',
        'cps',
        '{{group}} {{outcome}}',
        'sum by (group, outcome) (rate(svyaz_messages_handled_total[5m]))',
      ),
      panel(
        'Unread messages',
        'short',
        '{{group}} {{topic}}',
        'sum by (group, topic) (max by (group, topic, partition) (svyaz_consumer_lag))',
      ),
      panel(
        'From event to handler, 99 of 100 within',
        's',
        '{{group}}',
        quantile('svyaz_receive_latency_seconds', 'group', 0.99),
      ),
      panel(
        'Until the broker acknowledged, 99 of 100 within',
        's',
        '{{topic}}',
        quantile('svyaz_produce_seconds', 'topic', 0.99),
      ),
      panel('Age of the oldest unsent event', 's', '{{service}}', 'max by (service) (svyaz_outbox_oldest_age_seconds)'),
      panel('Unsent events', 'short', '{{service}}', 'max by (service) (svyaz_outbox_pending)'),
      panel(
        'Dead letters in the last hour',
        'short',
        '{{group}} {{topic}}',
        'sum by (group, topic) (increase(svyaz_messages_dead_total[1h])) or vector(0)',
      ),
      panel(
        'Duplicates that the inbox dropped',
        'cps',
        '{{group}}',
        'sum by (group) (rate(svyaz_messages_duplicates_total[5m])) or vector(0)',
      ),
      panel(
        'Calls of the payment processor',
        'cps',
        '{{call}} {{outcome}}',
        'sum by (call, outcome) (rate(svyaz_payment_calls_total[5m]))',
      ),
      panel('Mails', 'cps', '{{outcome}}', 'sum by (outcome) (rate(svyaz_mails_total[5m]))'),
    ],
  },
  {
    id: 'svyaz-processes',
    title: 'Svyaz: processes',
    about: 'CPU, memory and event loop of each instance.',
    panels: [
      panel('CPU', 'percentunit', '{{instance}}', 'sum by (instance) (rate(process_cpu_seconds_total[5m]))'),
      panel('Resident memory', 'bytes', '{{instance}}', 'max by (instance) (process_resident_memory_bytes)'),
      panel('Heap in use', 'bytes', '{{instance}}', 'max by (instance) (nodejs_heap_size_used_bytes)'),
      panel(
        'Event loop lag, 99 of 100 within',
        's',
        '{{instance}}',
        'max by (instance) (nodejs_eventloop_lag_p99_seconds)',
      ),
      panel(
        'Garbage collection',
        'percentunit',
        '{{instance}}',
        'sum by (instance) (rate(nodejs_gc_duration_seconds_sum[5m]))',
      ),
      panel('Open files and sockets', 'short', '{{instance}}', 'max by (instance) (process_open_fds)'),
    ],
  },
]
