/** The topology on engines that run already: the parts that they stand for are left out, their addresses put in. */
import { databaseOf, type Topology, type TopologyProcess } from '../../topology.ts'
import type { Engines } from './addresses.ts'

/** Which of our processes an engine stands for. */
const standsFor: Readonly<Record<string, readonly (keyof Engines)[]>> = {
  broker: ['kafka', 'rabbitmq'],
  discovery: ['consul'],
  postgres: ['postgres'],
  telemetry: ['otlp'],
  'mail-sink': ['smtp'],
  'payment-processor': ['processor'],
}

/** Who keeps what in MongoDB, when there is one. */
const inMongo: ReadonlySet<string> = new Set(['orders'])

/**
 * Pure.
 *
 * @param password of a database's role
 */
export function onEngines(topology: Topology, engines: Engines, password: (service: string) => string): Topology {
  const replaced = (name: string) => (standsFor[name] ?? []).some((key) => engines[key] !== undefined)
  return {
    processes: topology.processes
      .filter((process) => !replaced(process.name))
      .map(({ name, ...process }) => ({
        ...process,
        name,
        needs: process.needs.filter((need) => !replaced(need)),
        ...(process.contract === 'kit'
          ? {
              variables: { ...process.variables, ...variablesOf({ ...process, name }, engines, password) },
              addresses: Object.fromEntries(
                Object.entries(process.addresses ?? {}).filter(([, { process: holder }]) => !replaced(holder)),
              ),
            }
          : name === 'console'
            ? { variables: { ...process.variables, ...consoleVariables(engines) } }
            : {}),
      })),
  }
}

/** What the console's pages look into, where it isn't a process of this system. */
const consoleVariables = ({ identity, kafka, consul }: Engines): Record<string, string> =>
  defined({
    SVYAZ_CONSOLE_ISSUER: identity && withoutUser(identity),
    SVYAZ_CONSOLE_BROKERS: kafka?.join(','),
    SVYAZ_CONSOLE_DISCOVERY: consul,
  })

/** Services whose database has to be there, with its role, before they start. */
export const databasesNeeded = (topology: Topology, engines: Engines): string[] =>
  topology.processes
    .filter((process) => !(engines.mongo !== undefined && inMongo.has(process.name)))
    .flatMap((process) => databaseOf(process) ?? [])

function variablesOf(
  process: TopologyProcess,
  engines: Engines,
  password: (service: string) => string,
): Record<string, string> {
  const { name } = process
  const mongo = engines.mongo !== undefined && inMongo.has(name) ? withDatabase(engines.mongo, name) : undefined
  const database = databaseOf(process)
  const postgres =
    database && mongo === undefined && engines.postgres !== undefined
      ? databaseUrl(engines.postgres, database, password(database))
      : undefined
  return defined({
    SVYAZ_PROFILE: 'engines',
    // The job has made them, with the replicas that were asked for.
    SVYAZ_CREATE_TOPICS: (engines.kafka ?? engines.rabbitmq) && '0',
    SVYAZ_KAFKA_BROKERS: engines.kafka?.join(','),
    SVYAZ_MESSAGES: engines.rabbitmq && 'rabbitmq',
    SVYAZ_RABBITMQ_URL: engines.rabbitmq,
    SVYAZ_DISCOVERY_URL: engines.consul,
    SVYAZ_DATABASE_URL: postgres,
    SVYAZ_MONGO_URL: mongo,
    SVYAZ_OTLP_URL: engines.otlp,
    SVYAZ_SMTP_URL: process.addresses?.SVYAZ_SMTP_URL && engines.smtp,
    SVYAZ_PROCESSOR_URL: process.addresses?.SVYAZ_PROCESSOR_URL && engines.processor,
    SVYAZ_IDENTITY_PROVIDER: name === 'users' ? engines.identity : undefined,
    ...(name === 'gateway' ? redisVariables(engines.redis) : {}),
  })
}

const redisVariables = (redis: string | undefined) => ({ SVYAZ_REDIS_URL: redis })

/** Pure. The embedded system, whose gateways share what they count and keep through a Redis that runs already. */
export const withRedis = (topology: Topology, redis: string | undefined): Topology => ({
  processes: topology.processes.map((process) =>
    process.name === 'gateway'
      ? { ...process, variables: { ...process.variables, ...defined(redisVariables(redis)) } }
      : process,
  ),
})

/** Whoever is sent there needs no credentials of ours. */
const withoutUser = (address: string): string => address.replace(/\/\/[^@/]*@/, '//')

/** The server's address with another role and database; options such as `sslmode` stay. */
export function databaseUrl(server: string, service: string, password: string): string {
  const url = new URL(server)
  url.username = service
  url.password = encodeURIComponent(password)
  url.pathname = `/${service}`
  return url.href
}

/** `mongodb://a,b/?replicaSet=x` → `mongodb://a,b/orders?replicaSet=x`; several hosts are not a URL for Node. */
export const withDatabase = (server: string, database: string): string => {
  const [, hosts, options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?(\?.*)?$/i.exec(server) ?? []
  // Credentials are of the server, not of the database that the driver would look for them in.
  const withSource = /@/.test(hosts ?? '') && !/[?&]authSource=/.test(options)
  const query = withSource ? `${options === '' ? '?' : `${options}&`}authSource=admin` : options
  return `${hosts}/${database}${query}`
}

const defined = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined))
