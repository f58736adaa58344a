/**
 * The peer, complete: Apache Kafka, a PostgreSQL cluster of its own, the payment processor and the mail server that
 * ours has too, and seven processes of NestJS. Everything in a temporary folder, on free ports of loopback.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask, demand } from '@svyaz/observe/http.ts'
import kafkajs from '@svyaz/observe/kafkajs.ts'
import { startProcess } from '@svyaz/stage/testing'
import { startPostgres } from '@svyaz/system/postgres'
import { freePorts } from '@svyaz/system/testing/engine'
import { usageOfTree } from '@svyaz/system/usage'
import { startKafka, syncedLog } from '../kafka.ts'
import { peerFolder } from './peer-install.ts'
import { type Customer, carrierMs, type Stack } from './stack.ts'

export interface PeerOptions {
  /** With OpenTelemetry's auto-instrumentation, every order. */
  readonly traced: boolean
  /** Kafka syncs each record before it acknowledges it. Of a Kafka that runs already, whoever runs it decides. */
  readonly synced: boolean
  /** A Kafka that runs already, `host:port`; its processor time is then not in the figures. */
  readonly kafka?: string | undefined
}

export interface PeerStack extends Stack {
  /** Base addresses, for a test that looks inside. */
  readonly urls: Readonly<Record<'inventory' | 'payments' | 'processor' | 'mails', string>>
  /** Bytes of spans that came to the collector. */
  spanBytes(): Promise<number>
}

/** One process each; the payment workers are two. */
const processes = {
  users: 'users',
  inventory: 'inventory',
  orders: 'orders',
  'payments-1': 'payments',
  'payments-2': 'payments',
  delivery: 'delivery',
  notifications: 'notifications',
} as const
type Process = keyof typeof processes
const names = Object.keys(processes) as Process[]
const withDatabase = [...new Set(Object.values(processes))]

const topics = ['orders.events', 'inventory.events', 'payments.tasks', 'payments.events', 'delivery.events']
const partitions = 6
const startMsMax = 120_000
const stopMsMax = 10_000

/** @throws Error with the last words of the process that did not start */
export async function startPeer(options: PeerOptions): Promise<PeerStack> {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-bench-peer-'))
  const stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  try {
    return await launch(options, folder, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function launch(options: PeerOptions, folder: string, stack: AsyncDisposableStack): Promise<PeerStack> {
  const pids = new Map<string, number>()
  const kafka = options.kafka ?? (await ownKafka(options.synced, stack, pids))
  const namePrefix = options.kafka === undefined ? '' : `svyaz-bench-${randomUUID().slice(0, 8)}.`
  await makeTopics(kafka, namePrefix, stack)

  const postgres = stack.use(await ownPostgres(folder))
  pids.set('postgres', postgres.pid)
  const databases = withDatabase.map((name) => ({ name, role: name, password: randomBytes(12).toString('hex') }))
  await postgres.ensureDatabases(databases)

  const outside = (name: string, ...flags: string[]) => outsideProcess(name, flags, folder, stack, pids)
  const processor = await outside('payment-processor')
  const mails = await outside('mail-sink', '--smtp-port', '0')
  const smtpPort = mails.logs.map((line) => JSON.parse(line).smtpPort as number | undefined).find(Boolean)

  const sink = options.traced ? await spanSink(stack, pids) : undefined
  const ports = await freePorts(names.length + 1)
  const portOf = (name: Process) => ports[names.indexOf(name)]
  const url = (name: Process) => `http://127.0.0.1:${portOf(name)}`
  const common = {
    NODE_ENV: 'production',
    KAFKA_BROKERS: kafka,
    NAME_PREFIX: namePrefix,
    JWT_SECRET: randomBytes(32).toString('hex'),
    INVENTORY_GRPC: `127.0.0.1:${ports.at(-1)}`,
    USERS_URL: url('users'),
    PROCESSOR_URL: processor.url,
    SMTP_URL: `smtp://127.0.0.1:${smtpPort}`,
    SHIP_AFTER_MS: String(carrierMs.ship),
    DELIVER_AFTER_MS: String(carrierMs.deliver),
    ...(sink ? tracing(sink.port) : {}),
  }
  await Promise.all(
    names.map(async (name) => {
      const child = await service(name, folder, stack, {
        ...common,
        OTEL_SERVICE_NAME: name,
        PORT: String(portOf(name)),
        DATABASE_URL: postgres.url(databases.find((database) => database.name === processes[name])!),
      })
      pids.set(name, child.pid ?? 0)
    }),
  )

  const { body: catalogue } = await demand(200, ask('GET', `${url('inventory')}/products`))
  return {
    ordersUrl: url('orders'),
    products: (catalogue as { productId: string }[]).map(({ productId }) => productId),
    urls: { inventory: url('inventory'), payments: url('payments-1'), processor: processor.url, mails: mails.url },
    signUp: (name) => signUp(name, url('users'), url('notifications')),
    spanBytes: async () => (sink ? sink.bytes() : 0),
    cpuMs: () => new Map([...pids].map(([name, pid]) => [name, usageOfTree(pid).cpuMs])),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A new customer, signed in, with the address of their stream. */
async function signUp(name: string, users: string, notifications: string): Promise<Customer> {
  const account = { email: `${name}@example.org`, password: `${name} has a long password` }
  await demand(201, ask('POST', `${users}/users`, { body: { ...account, name } }))
  const { body } = await demand(200, ask('POST', `${users}/auth/login`, { body: account }))
  const { accessToken: token } = body as { accessToken: string }
  const address = notifications.replace(/^http/, 'ws')
  return { token, stream: { url: `${address}/notifications/stream?token=${token}`, protocols: [] } }
}

const ownPostgres = (folder: string) =>
  startPostgres({
    directory: join(folder, 'postgres'),
    port: 0,
    host: '127.0.0.1',
    log: join(folder, 'postgres.log'),
  })

/** The payment processor or the mail server: the same programs that ours has. */
async function outsideProcess(
  name: string,
  flags: readonly string[],
  folder: string,
  stack: AsyncDisposableStack,
  pids: Map<string, number>,
) {
  const main = fileURLToPath(import.meta.resolve(`../../../outside/${name}/src/main.ts`))
  const directory = join(folder, name)
  mkdirSync(directory)
  const started = stack.use(await startProcess(main, directory, [...flags]))
  pids.set(name, started.child.pid ?? 0)
  return started
}

async function ownKafka(synced: boolean, stack: AsyncDisposableStack, pids: Map<string, number>): Promise<string> {
  const kafka = stack.use(await startKafka(synced ? syncedLog : []))
  pids.set('kafka', kafka.pid)
  return kafka.address
}

/** With as many partitions as ours have; taken away at the end, for the Kafka may not be our own. */
async function makeTopics(kafka: string, namePrefix: string, stack: AsyncDisposableStack): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [kafka], logLevel: kafkajs.logLevel.NOTHING }).admin()
  const wanted = topics.map((topic) => ({ topic: `${namePrefix}${topic}`, numPartitions: partitions }))
  await admin.connect()
  stack.defer(async () => {
    if (namePrefix !== '') await admin.deleteTopics({ topics: wanted.map(({ topic }) => topic) }).catch(() => {})
    await admin.disconnect()
  })
  await admin.createTopics({ topics: wanted, waitForLeaders: true })
}

/** What OpenTelemetry's page says, without the spans of files, names and sockets that nobody wants. */
const tracing = (port: number) => ({
  NODE_OPTIONS: '--require @opentelemetry/auto-instrumentations-node/register',
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs,dns,net',
  OTEL_NODE_RESOURCE_DETECTORS: 'env,process',
  OTEL_LOG_LEVEL: 'error',
})

async function spanSink(stack: AsyncDisposableStack, pids: Map<string, number>) {
  const child = fork(join(import.meta.dirname, 'span-sink.ts'))
  stack.defer(() => end(child))
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  pids.set('span-sink', child.pid ?? 0)
  return {
    port,
    async bytes(): Promise<number> {
      const answer = once(child, 'message')
      child.send('bytes')
      return ((await answer) as [{ bytes: number }])[0].bytes
    },
  }
}

/** Resolves when the service has said that it is ready. */
async function service(
  name: Process,
  folder: string,
  stack: AsyncDisposableStack,
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const logFile = join(folder, `${name}.log`)
  const log = openSync(logFile, 'a')
  const child = fork(join(peerFolder, 'dist', processes[name], 'main.js'), {
    cwd: peerFolder,
    env,
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  stack.defer(() => end(child))
  const gone = once(child, 'exit').then(() => 'gone')
  const late = once(AbortSignal.timeout(startMsMax), 'abort').then(() => 'late')
  const said = await Promise.race([once(child, 'message').then(() => 'ready'), gone, late])
  if (said !== 'ready')
    throw new Error(`${name} of the peer did not start:\n${readFileSync(logFile, 'utf8').slice(-3_000)}`)
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
  await gone
  clearTimeout(late)
}
