/** What an installation may choose: the chart's values with their defaults, and their JSON schema. Pure. */
import { topics } from '@svyaz/contracts/index.ts'
import type { TopologyProcess } from '@svyaz/system/topology'
import { memoryLimitMb } from '../image/container.ts'
import { containerized } from '../image/entries.ts'

/** Processes that are scaled by their load (R4.3), and how far. */
export const scaledByLoad: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  gateway: { min: 2, max: 6 },
  // More workers than the queue has partitions would have nothing to do.
  payments: { min: 2, max: topics.find(({ name }) => name === 'payments.tasks')?.partitions ?? 1 },
}

/** What a busy process asks for; beside its own work an idle one takes a hundredth of that. */
const cpuRequest = '100m'

interface ProcessValues {
  readonly replicas: number
  readonly cpu: { readonly request: string; readonly limit: string }
  readonly memory: { readonly request: string; readonly limit: string }
}

/** The memory that `svyaz budget` allows it when idle is what it asks for. */
const processValues = (process: TopologyProcess): ProcessValues => ({
  replicas: process.instances,
  cpu: { request: cpuRequest, limit: '1' },
  memory: { request: `${process.memoryBudgetMb}Mi`, limit: `${memoryLimitMb(process)}Mi` },
})

/** The defaults, as values.yaml has them. */
export const defaults = {
  messages: 'kafka',
  image: { registry: 'svyaz', tag: '0.1.0', pullPolicy: 'IfNotPresent', pullSecret: '' },
  engines: {
    kafka: 'kafka:9092',
    consul: 'http://consul:8500',
    postgres: 'postgres:5432',
    otlp: 'http://telemetry:4318',
    ports: { kafka: 9092, amqp: 5672, consul: 8500, postgres: 5432, mongo: 27_017, redis: 6379, otlp: 4318 },
  },
  logLevel: 'info',
  secretPrefix: 'svyaz-',
  jobs: { enabled: true },
  autoscaling: { enabled: true, cpuPercent: 70 },
  networkPolicies: { enabled: true, edgeNamespace: 'ingress-nginx', monitoringNamespace: 'monitoring' },
  ingress: { enabled: false, className: 'nginx', host: 'svyaz.example.com', consoleHost: 'console.svyaz.example.com' },
  storage: { size: '1Gi' },
  relay: { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 },
  processes: Object.fromEntries(containerized.map((process) => [process.name, processValues(process)])),
} as const

/** What each value is for, by its path; a value without a row here is a fault of the tests. */
export const meanings: Readonly<Record<string, string>> = {
  messages: 'What carries the events: kafka, or rabbitmq, whose whole address is SVYAZ_RABBITMQ_URL in the Secrets.',
  image: 'Images are <registry>/<process>:<tag>, built from the Dockerfile.',
  engines: 'Addresses of the engines, which this chart does not bring. Ports are what the network policies let out.',
  logLevel: 'debug, info, warn or error.',
  secretPrefix: 'Each process reads the Secret <prefix><process>, made outside the chart (docs/kubernetes.md).',
  jobs: 'Databases and topics, before each install and upgrade.',
  autoscaling: 'Of the gateway and the payment workers.',
  networkPolicies:
    'Who may call whom. The edge namespace holds the ingress controller, the monitoring namespace Prometheus.',
  ingress: 'Ways in to the gateway and the console.',
  storage: 'Of each process that keeps data without an engine.',
  relay: 'Settings of a session of the relay loop (config/relay.yaml).',
  processes: 'Replicas and resources. Memory requests are the budgets of `svyaz budget`.',
}

type Schema = Readonly<Record<string, unknown>>

/** values.schema.json: every value by name and type, nothing else. */
export function valuesSchema(): Schema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...schemaOf(defaults, '') }
}

const narrower: Readonly<Record<string, Schema>> = {
  '.messages': { enum: ['kafka', 'rabbitmq'] },
  '.logLevel': { enum: ['debug', 'info', 'warn', 'error'] },
  '.image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  '.autoscaling.cpuPercent': { minimum: 1, maximum: 100 },
  '.engines.kafka': { pattern: '^[^:,]+:\\d+(,[^:,]+:\\d+)*$' },
  '.engines.consul': { pattern: '^https?://' },
  '.engines.otlp': { pattern: '^https?://' },
  '.engines.postgres': { pattern: '^[^:]+:\\d+$' },
}

function schemaOf(value: unknown, path: string): Schema {
  const description = meanings[path.slice(1)]
  const about = description === undefined ? {} : { description }
  if (typeof value === 'object' && value !== null)
    return {
      ...about,
      type: 'object',
      additionalProperties: false,
      // Helm passes what the parent chart has for all its charts.
      properties: {
        ...(path === '' ? { global: { type: 'object' } } : {}),
        ...Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, schemaOf(inner, `${path}.${name}`)])),
      },
    }
  if (typeof value === 'number') return { ...about, type: 'integer', minimum: 0, ...narrower[path] }
  if (typeof value === 'boolean') return { ...about, type: 'boolean' }
  if (/\.(?:request|limit|size)$/.test(path))
    return { ...about, type: 'string', pattern: '^\\d+(\\.\\d+)?(m|Ki|Mi|Gi|Ti)?$' }
  return { ...about, type: 'string', ...narrower[path] }
}
