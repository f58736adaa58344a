/**
 * Which engines the services run against: one variable each, read at once. Each takes an address, or `embedded` for our
 * own part, started beside the services. `npm start` is the same system with `embedded` everywhere.
 */

/** What serves each need: an address, or undefined where ours runs. */
export interface Engines {
  /** `host:port` of some brokers of one cluster. */
  readonly kafka: readonly string[] | undefined
  readonly consul: string | undefined
  /** As a role that may create databases and roles; each service gets its own of both. */
  readonly postgres: string | undefined
  /** Without a database: each service that uses it has one of its own name. Undefined: orders are in PostgreSQL. */
  readonly mongo: string | undefined
  readonly otlp: string | undefined
  readonly smtp: string | undefined
  readonly processor: string | undefined
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
}

export const embedded = 'embedded'

interface Row {
  readonly key: Exclude<keyof Engines, 'replicationFactor' | 'minInsyncReplicas'>
  readonly variable: string
  readonly what: string
  readonly example: string
  readonly takes: RegExp
  /** What holds when the variable is not set; without it the variable must be. */
  readonly otherwise?: typeof embedded
}

const authority = String.raw`(\[[0-9a-f:]+\]|[\w.-]+)(:\d{1,5})?`
const address = (scheme: string): RegExp => new RegExp(`^${scheme}://([^@/\\s]+@)?${authority}(/\\S*)?$`, 'i')

/** The list that the reader, the help and docs/engines.md share. */
export const engineRows: readonly Row[] = [
  {
    key: 'kafka',
    variable: 'SVYAZ_KAFKA_BROKERS',
    what: 'some brokers of one Kafka cluster, with commas between',
    example: '127.0.0.1:9092,127.0.0.1:9192,127.0.0.1:9292',
    takes: /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}(,(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5})*$/i,
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
]

const numbers = [
  { key: 'replicationFactor', variable: 'SVYAZ_KAFKA_REPLICATION_FACTOR', otherwise: 3, max: 15 },
  { key: 'minInsyncReplicas', variable: 'SVYAZ_KAFKA_MIN_INSYNC_REPLICAS', otherwise: 2, max: 15 },
] as const

/** Pure. All engines, or every fault at once, each a sentence with an example. */
export function readEngines(
  env: Readonly<Record<string, string | undefined>>,
): { readonly engines: Engines } | { readonly faults: readonly string[] } {
  const faults: string[] = []
  const addresses = engineRows.map((row) => {
    const text = env[row.variable] || row.otherwise
    if (text === embedded) return [row.key, undefined] as const
    if (text === undefined) faults.push(`${row.variable} is missing: ${row.what}, e.g. ${row.variable}=${row.example}`)
    // A password is in some of them: the value itself is not repeated.
    else if (!row.takes.test(text))
      faults.push(`${row.variable} is not ${row.what}; e.g. ${row.variable}=${row.example}`)
    return [row.key, row.key === 'kafka' ? text?.split(',') : text?.replace(/\/$/, '')] as const
  })
  const counts = numbers.map(({ key, variable, otherwise, max }) => {
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
