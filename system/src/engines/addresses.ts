/**
 * Which engines the services run against: one variable each, read at once. Each takes an address, or `embedded` for our
 * own part, started beside the services. `npm start` is the same system with `embedded` everywhere.
 */

/** What serves each need: an address, or undefined where ours runs. */
export interface Engines {
  /** `host:port` of some brokers of one cluster. */
  readonly kafka: readonly string[] | undefined
  /** Carries the events in Kafka's place. */
  readonly rabbitmq?: string | undefined
  readonly consul: string | undefined
  /** As a role that may create databases and roles; each service gets its own of both. */
  readonly postgres: string | undefined
  /** Without a database: each service that uses it has one of its own name. Undefined: orders are in PostgreSQL. */
  readonly mongo: string | undefined
  readonly otlp: string | undefined
  readonly smtp: string | undefined
  readonly processor: string | undefined
  /** An identity provider in place of ours, with the client that may introspect: `https://id:secret@…`. */
  readonly identity?: string | undefined
  /** What several gateways share limits and kept answers through; without it each has its own. */
  readonly redis?: string | undefined
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
}

/** Replicas of each topic, and how many of them must have a record, where nothing else is asked for. */
const usualReplicas = { replicationFactor: 3, minInsyncReplicas: 2 } as const

/** Our own parts everywhere, but for what is given; topics have as many replicas as usual. Pure. */
export const embeddedExcept = (engines: Partial<Engines>): Engines => ({
  kafka: undefined,
  consul: undefined,
  postgres: undefined,
  mongo: undefined,
  otlp: undefined,
  smtp: undefined,
  processor: undefined,
  ...usualReplicas,
  ...engines,
})

export const embedded = 'embedded'

interface Row {
  readonly key: Exclude<keyof Engines, 'replicationFactor' | 'minInsyncReplicas'>
  readonly variable: string
  readonly what: string
  readonly example: string
  readonly takes: RegExp
  /** What holds when the variable is not set; without it the variable must be. */
  readonly otherwise?: typeof embedded
  /** Looked at only when this carries the events. */
  readonly carries?: Messages
  /** There is no part of ours in its place. */
  readonly foreign?: true
}

/** What carries the events: SVYAZ_MESSAGES. */
const carriers = ['kafka', 'rabbitmq'] as const
type Messages = (typeof carriers)[number]

const authority = String.raw`(\[[0-9a-f:]+\]|[\w.-]+)(:\d{1,5})?`
const address = (scheme: string): RegExp => new RegExp(`^${scheme}://([^@/\\s]+@)?${authority}(/\\S*)?$`, 'i')

/** The list that the reader, the help and docs/engines.md share. */
export const engineRows: readonly Row[] = [
  {
    key: 'kafka',
    variable: 'SVYAZ_KAFKA_BROKERS',
    what: 'some brokers of one Kafka cluster, with commas between',
    example: '127.0.0.1:9092,127.0.0.1:9192,127.0.0.1:9292',
    carries: 'kafka',
    takes: /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}(,(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5})*$/i,
  },
  {
    key: 'rabbitmq',
    variable: 'SVYAZ_RABBITMQ_URL',
    what: 'RabbitMQ, when SVYAZ_MESSAGES=rabbitmq',
    example: 'amqp://user:secret@127.0.0.1:5672',
    takes: address('amqps?'),
    carries: 'rabbitmq',
    foreign: true,
  },
  {
    key: 'consul',
    variable: 'SVYAZ_CONSUL_URL',
    what: 'a Consul agent',
    example: 'http://127.0.0.1:8500',
    takes: address('http'),
  },
  {
    key: 'postgres',
    variable: 'SVYAZ_POSTGRES_URL',
    what: 'PostgreSQL, as a superuser: each service gets a database and a role of its own',
    example: 'postgres://postgres:secret@127.0.0.1:5432/postgres',
    takes: address('postgres(ql)?'),
  },
  {
    key: 'mongo',
    variable: 'SVYAZ_MONGO_URL',
    what: 'MongoDB for the orders; with `embedded` they are in PostgreSQL',
    example: 'mongodb://127.0.0.1:27017',
    takes: /^mongodb(\+srv)?:\/\/[^\s/]+(\/(\?\S*)?)?$/i,
  },
  {
    key: 'otlp',
    variable: 'SVYAZ_OTLP_URL',
    what: 'a collector of traces: OTLP over HTTP, as JSON',
    example: 'http://127.0.0.1:4318',
    takes: address('https?'),
  },
  {
    key: 'smtp',
    variable: 'SVYAZ_SMTP_URL',
    what: 'a mail server',
    example: 'smtp://user:secret@127.0.0.1:587',
    takes: address('smtps?'),
  },
  {
    key: 'processor',
    variable: 'SVYAZ_PROCESSOR_URL',
    what: 'the payment processor; ours plays it unless told otherwise',
    example: 'http://127.0.0.1:9000',
    takes: address('https?'),
    otherwise: embedded,
  },
  {
    key: 'identity',
    variable: 'SVYAZ_IDENTITY_PROVIDER',
    what: 'Keycloak, or another OpenID provider: its issuer, with the client that may introspect',
    example: 'http://svyaz-users:secret@127.0.0.1:8088/realms/svyaz',
    takes: address('https?'),
    otherwise: embedded,
  },
  {
    key: 'redis',
    variable: 'SVYAZ_REDIS_URL',
    what: 'Redis, for what several gateways share; with `embedded` each has its own',
    example: 'redis://user:secret@127.0.0.1:6379/0',
    takes: address('rediss?'),
    otherwise: embedded,
  },
]

const numbers = [
  { key: 'replicationFactor', variable: 'SVYAZ_KAFKA_REPLICATION_FACTOR', max: 15 },
  { key: 'minInsyncReplicas', variable: 'SVYAZ_KAFKA_MIN_INSYNC_REPLICAS', max: 15 },
] as const

/** Pure. All engines, or every fault at once, each a sentence with an example. */
export function readEngines(
  env: Readonly<Record<string, string | undefined>>,
): { readonly engines: Engines } | { readonly faults: readonly string[] } {
  const faults: string[] = []
  const messages = carriers.find((name) => name === (env.SVYAZ_MESSAGES || 'kafka'))
  if (messages === undefined) faults.push(`SVYAZ_MESSAGES is not one of ${carriers.join(', ')}`)
  const addresses = engineRows.map((row) => {
    if (row.carries !== undefined && row.carries !== messages) return [row.key, undefined] as const
    const { text, fault } = readRow(row, env)
    if (fault !== undefined) faults.push(fault)
    return [row.key, row.key === 'kafka' ? text?.split(',') : text?.replace(/\/$/, '')] as const
  })
  const counts = numbers.map(({ key, variable, max }) => {
    const otherwise = usualReplicas[key]
    const count = Number(env[variable] || otherwise)
    if (!Number.isInteger(count) || count < 1 || count > max)
      faults.push(`${variable} is not a whole number between 1 and ${max}; e.g. ${variable}=${otherwise}`)
    return [key, count] as const
  })
  const engines = Object.fromEntries([...addresses, ...counts]) as unknown as Engines
  if (engines.minInsyncReplicas > engines.replicationFactor)
    faults.push(
      'SVYAZ_KAFKA_MIN_INSYNC_REPLICAS is above SVYAZ_KAFKA_REPLICATION_FACTOR: nothing could ever be written',
    )
  return faults.length > 0 ? { faults } : { engines }
}

/** One address alone, of those that have a default. Undefined: our own part. */
export function readAddress(
  key: 'redis',
  env: Readonly<Record<string, string | undefined>>,
): { readonly text?: string; readonly fault?: string } {
  return readRow(engineRows.find((row) => row.key === key)!, env)
}

/** Its address, undefined for a part of ours; a fault doesn't repeat the value, which may hold a password. */
function readRow(
  row: Row,
  env: Readonly<Record<string, string | undefined>>,
): { readonly text?: string; readonly fault?: string } {
  const text = env[row.variable] || row.otherwise
  const example = `e.g. ${row.variable}=${row.example}`
  if (text === undefined) return { fault: `${row.variable} is missing: ${row.what}, ${example}` }
  if (text === embedded && !row.foreign) return {}
  return row.takes.test(text) ? { text } : { fault: `${row.variable} is not ${row.what}; ${example}` }
}
