/** The kit's environment: raw SVYAZ_… variables → one validated, frozen object. Every fault is listed at once. */
import { z } from 'zod'
import { readOtlpHeaders } from '../tracing/span-answer.ts'
import { type Sabotage, sabotages } from './sabotage.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const url = z.url()

/** Comma-separated names; one that is none of them is a fault like any other. */
const sabotageList = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((name) => name !== ''))
  .pipe(z.array(z.enum(Object.keys(sabotages) as [Sabotage, ...Sabotage[]])))

const otlpHeaders = (text: string, context: z.core.$RefinementCtx): Record<string, string> => {
  try {
    return readOtlpHeaders(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return {}
  }
}

export const kitEnvironment = z.object({
  SVYAZ_PROFILE: z.string().default('embedded'),
  SVYAZ_SERVICE: z.string().min(1),
  SVYAZ_INSTANCE: z.string().min(1),
  SVYAZ_HOME: z.string().min(1),
  SVYAZ_HOST: z.string().default('127.0.0.1'),
  SVYAZ_ADVERTISED_HOST: z.string().optional(),
  /** Names, comma-separated and without port, under which it may be called beside addresses and localhost. */
  SVYAZ_ALLOWED_HOSTS: z.string().default(''),
  SVYAZ_HTTP_PORT: port.default(0),
  SVYAZ_GRPC_PORT: port.default(0),
  SVYAZ_MANAGEMENT_PORT: port.default(0),
  /** Where others reach it, when a proxy stands between (the checker's seam). */
  SVYAZ_ADVERTISED_HTTP_PORT: port.optional(),
  SVYAZ_ADVERTISED_GRPC_PORT: port.optional(),
  SVYAZ_DISCOVERY_URL: url,
  /** Consul's ACL token of this service, where Consul has ACLs. */
  SVYAZ_DISCOVERY_TOKEN: z.string().min(1).max(200).optional(),
  SVYAZ_CONFIG_URL: url.optional(),
  /** What carries events. */
  SVYAZ_MESSAGES: z.enum(['kafka', 'rabbitmq']).default('kafka'),
  SVYAZ_KAFKA_BROKERS: z.string().default(''),
  /** `amqp://user:password@host:port/vhost`, or `amqps:`. */
  SVYAZ_RABBITMQ_URL: z.url({ protocol: /^amqps?$/ }).optional(),
  /** Default: quorum from RabbitMQ 4 on. */
  SVYAZ_RABBITMQ_QUEUES: z.enum(['quorum', 'classic']).optional(),
  SVYAZ_DATABASE_URL: z.string().startsWith('postgres').optional(),
  SVYAZ_OTLP_URL: url.optional(),
  /** Keys for that collector, `name=value,…`, percent-encoded (OpenTelemetry's own variable). */
  OTEL_EXPORTER_OTLP_HEADERS: z.string().default('').transform(otlpHeaders),
  /** Spans go there too, in Zipkin's own format. */
  SVYAZ_ZIPKIN_URL: url.optional(),
  /** How many of the traces that begin here are kept, 0 to 1. */
  SVYAZ_TRACE_SAMPLE_RATIO: z.coerce.number().min(0).max(1).default(1),
  SVYAZ_KEY_FILE: z.string().min(1),
  SVYAZ_JWKS_FILE: z.string().min(1),
  SVYAZ_CREATE_TOPICS: z.enum(['0', '1']).default('0'),
  SVYAZ_CRASH_POINTS: z.string().default(''),
  SVYAZ_SABOTAGE: sabotageList,
  SVYAZ_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

/** What carries events needs an address. @param given variables that aren't empty */
export const messagesFaults = (given: Readonly<Record<string, string | undefined>>): string[] => {
  const variable = given.SVYAZ_MESSAGES === 'rabbitmq' ? 'SVYAZ_RABBITMQ_URL' : 'SVYAZ_KAFKA_BROKERS'
  return given[variable] === undefined ? [`${variable}: it is missing, and events have nowhere to go`] : []
}

export interface KitEnvironment {
  profile: string
  service: string
  instance: string
  /** Absolute folder for caches of this installation (addresses, configuration). */
  home: string
  host: string
  advertisedHost: string
  allowedHosts: readonly string[]
  httpPort: number
  grpcPort: number
  managementPort: number
  advertisedHttpPort: number | undefined
  advertisedGrpcPort: number | undefined
  discoveryUrl: string
  discoveryToken: string | undefined
  configUrl: string | undefined
  messages: 'kafka' | 'rabbitmq'
  /** Empty when they aren't what carries events. */
  kafkaBrokers: readonly string[]
  rabbitmqUrl: string | undefined
  rabbitmqQueues: 'quorum' | 'classic' | undefined
  databaseUrl: string | undefined
  otlpUrl: string | undefined
  otlpHeaders: Readonly<Record<string, string>>
  zipkinUrl: string | undefined
  traceSampleRatio: number
  keyFile: string
  jwksFile: string
  createTopics: boolean
  crashPoints: string
  /** Rules that are broken on purpose; empty but in the checker's own tests. */
  sabotage: ReadonlySet<Sabotage>
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/**
 * The kit's environment by names of its own, frozen.
 * @param raw variables that were checked
 */
export const shapeEnvironment = (raw: z.output<typeof kitEnvironment>): KitEnvironment =>
  Object.freeze({
    profile: raw.SVYAZ_PROFILE,
    service: raw.SVYAZ_SERVICE,
    instance: raw.SVYAZ_INSTANCE,
    home: raw.SVYAZ_HOME,
    host: raw.SVYAZ_HOST,
    advertisedHost: raw.SVYAZ_ADVERTISED_HOST ?? raw.SVYAZ_HOST,
    allowedHosts: raw.SVYAZ_ALLOWED_HOSTS.split(',').filter((name) => name !== ''),
    httpPort: raw.SVYAZ_HTTP_PORT,
    grpcPort: raw.SVYAZ_GRPC_PORT,
    managementPort: raw.SVYAZ_MANAGEMENT_PORT,
    advertisedHttpPort: raw.SVYAZ_ADVERTISED_HTTP_PORT,
    advertisedGrpcPort: raw.SVYAZ_ADVERTISED_GRPC_PORT,
    discoveryUrl: raw.SVYAZ_DISCOVERY_URL,
    discoveryToken: raw.SVYAZ_DISCOVERY_TOKEN,
    configUrl: raw.SVYAZ_CONFIG_URL,
    messages: raw.SVYAZ_MESSAGES,
    kafkaBrokers: raw.SVYAZ_KAFKA_BROKERS.split(',').filter((address) => address !== ''),
    rabbitmqUrl: raw.SVYAZ_RABBITMQ_URL,
    rabbitmqQueues: raw.SVYAZ_RABBITMQ_QUEUES,
    databaseUrl: raw.SVYAZ_DATABASE_URL,
    otlpUrl: raw.SVYAZ_OTLP_URL,
    otlpHeaders: raw.OTEL_EXPORTER_OTLP_HEADERS,
    zipkinUrl: raw.SVYAZ_ZIPKIN_URL,
    traceSampleRatio: raw.SVYAZ_TRACE_SAMPLE_RATIO,
    keyFile: raw.SVYAZ_KEY_FILE,
    jwksFile: raw.SVYAZ_JWKS_FILE,
    createTopics: raw.SVYAZ_CREATE_TOPICS === '1',
    crashPoints: raw.SVYAZ_CRASH_POINTS,
    sabotage: new Set(raw.SVYAZ_SABOTAGE),
    logLevel: raw.SVYAZ_LOG_LEVEL,
  })
