/**
 * The life of a service: environment → settings and database → its parts → servers → registered and ready; and back in
 * the order of reliability rule 14: not ready → deregister → drain → consumers → sockets → telemetry → pools → exit.
 */
import { configEvents } from '@svyaz/contracts/events/config.ts'
import type { z } from 'zod'
import type { Context, Database, Outbox, Parts, Records, ServiceDefinition } from './api.ts'
import { createDiscoveryClient } from './calls/discovery-client.ts'
import type { Core } from './core.ts'
import { subscribe } from './declare.ts'
import { createGrpcClients } from './grpc/client.ts'
import { createHttpClients } from './http/client.ts'
import { createSigner, createVerifier } from './identity/identity.ts'
import { createKeySet } from './identity/key-set.ts'
import { readOwnKey } from './identity/own-key.ts'
import type { Messaging } from './messaging/messaging.ts'
import { systemClock, systemIds } from './process/clock.ts'
import { createLogger } from './process/logs.ts'
import { startManagement } from './process/management.ts'
import { createMetrics } from './process/metrics.ts'
import { createCrashPoints, onStopRequest, type ProcessEnvironment, readEnvironment } from './process/process.ts'
import { openSettings } from './process/settings.ts'
import { aborted } from './process/waiting.ts'
import { superviseWorkers } from './process/workers.ts'
import { exportersOf, type SpanExporter } from './tracing/span-exporter.ts'
import { createTracer } from './tracing/tracing.ts'

export const lifecycleLimits = {
  drainMs: 4_000,
  consumersMs: 3_000,
  exitMs: 9_000,
} as const

/** Starts the service from the environment and runs it until SIGTERM or the end of stdin; sets the exit code. */
export async function runService<Settings extends z.ZodObject, Schema>(
  definition: ServiceDefinition<Settings, Schema>,
): Promise<void> {
  const environment = readEnvironment(process.env, definition.environment)
  if ('faults' in environment) {
    const lines = environment.faults.map((fault) => `  ${fault}`).join('\n')
    process.stderr.write(`${definition.name} can't start, its environment is wrong:\n${lines}\n`)
    process.exitCode = 2
    return
  }
  if (environment.kit.service !== definition.name) {
    process.stderr.write(
      `${definition.name} can't start: SVYAZ_SERVICE names another service, ${environment.kit.service}\n`,
    )
    process.exitCode = 2
    return
  }
  const core = createCore(environment)
  const abort = new AbortController()
  const progress = { serving: false }
  onStopRequest((reason) => {
    core.log.info({ reason }, 'stopping')
    abort.abort()
    // Nothing was accepted yet: whatever it waits for, there is nothing to drain.
    if (!progress.serving) process.exit(0)
    setTimeout(() => process.exit(1), lifecycleLimits.exitMs).unref()
  })
  process.on('uncaughtException', (error) => {
    core.log.error({ err: serialize(error) }, 'an error nobody caught ends the process')
    process.exit(1)
  })
  try {
    await liveUntil(definition, environment, core, abort.signal, progress)
    process.exit(0)
  } catch (error) {
    if (abort.signal.aborted) process.exit(0)
    core.log.error({ err: serialize(error) }, `${definition.name} could not start`)
    process.exit(1)
  }
}

const serialize = (error: unknown): object =>
  error instanceof Error
    ? { message: error.message, stack: error.stack, ...(error.cause ? { cause: serialize(error.cause) } : {}) }
    : { message: String(error) }

type ProcessCore = Core & { registry: ReturnType<typeof createMetrics>; exporter: SpanExporter | undefined }

const createCore = ({ kit }: ProcessEnvironment): ProcessCore => {
  const exporter = exportersOf(kit, () => log)
  const tracer = createTracer(exporter, { micros: systemClock.micros, sampleRatio: kit.traceSampleRatio })
  const log = createLogger(kit, tracer.currentContext)
  const registry = createMetrics({ service: kit.service, instance: kit.instance })
  if (exporter)
    registry.gauge('svyaz_spans_dropped', 'Spans given up because the collector was away').collect(exporter.dropped)
  return {
    environment: kit,
    clock: systemClock,
    ids: systemIds(systemClock),
    random: Math.random,
    log,
    metrics: registry,
    tracer,
    crashPoint: createCrashPoints(kit.crashPoints, () => process.kill(process.pid, 'SIGKILL')),
    registry,
    exporter,
  }
}

/** How far a service is, as its management port shows it. */
interface Life {
  stage: string
  ready: boolean
  /** Why it isn't ready although it was. */
  reasons: readonly (() => readonly string[])[]
  settings: () => object
  readonly ports: Record<string, number>
}

/** Resolves after an orderly stop; rejects when it could not start. */
const liveUntil = async <Settings extends z.ZodObject, Schema>(
  definition: ServiceDefinition<Settings, Schema>,
  environment: ProcessEnvironment,
  core: ProcessCore,
  signal: AbortSignal,
  progress: { serving: boolean },
): Promise<void> => {
  const life: Life = { stage: 'starting', ready: false, reasons: [], settings: () => ({}), ports: {} }
  const management = await openManagement(core, life)
  const tools = await openTools(definition, environment, core, life)
  const { parts, messaging } = await startParts(definition, environment, core, tools, life)

  progress.serving = true
  const servers = await startServers(core, parts, tools.verifier)
  Object.assign(life.ports, servers.ports)
  await messaging.start()
  const workers = superviseWorkers(core, parts.workers ?? [])
  life.reasons = [() => tools.database?.notReady() ?? [], () => messaging.notReady(), () => parts.notReady?.() ?? []]
  life.stage = 'registering'
  await tools.discovery.register(advertised(core.environment, life.ports))
  life.ready = true
  core.log.info({ ports: life.ports }, `${definition.name} is ready`)

  await aborted(signal)
  life.stage = 'stopping'
  life.ready = false
  await stop(core, { parts, messaging, servers: servers.list, workers }, tools)
  await management[Symbol.asyncDispose]()
  core.log.info({}, 'stopped')
}

const openManagement = async ({ environment: kit, clock, log, registry }: ProcessCore, life: Life) => {
  const startedAt = clock.iso()
  const management = await startManagement({
    host: kit.host,
    port: kit.managementPort,
    metrics: registry,
    log,
    allowedHosts: kit.allowedHosts,
    started: () => life.ready,
    notReady: () => (life.ready ? life.reasons.flatMap((reason) => reason()) : [life.stage]),
    info: () => ({
      service: kit.service,
      instance: kit.instance,
      profile: kit.profile,
      pid: process.pid,
      node: process.version,
      startedAt,
      ports: life.ports,
      settings: life.settings(),
    }),
  })
  life.ports.management = management.port
  return management
}

type Tools<Settings extends z.ZodObject, Schema> = Awaited<ReturnType<typeof openTools<Settings, Schema>>>

/** What a service works with, whatever it does: keys, settings, database, and the ways to others. */
const openTools = async <Settings extends z.ZodObject, Schema>(
  definition: ServiceDefinition<Settings, Schema>,
  environment: ProcessEnvironment,
  core: ProcessCore,
  life: Life,
) => {
  life.stage = 'reading its keys'
  const keySet = createKeySet(core)
  const ownKey = await readOwnKey(core)
  const [signer, verifier] = await Promise.all([createSigner(core, ownKey), createVerifier(core, keySet)])
  life.stage = 'waiting for its database and configuration'
  const [settings, database] = await Promise.all([
    openSettings(core, definition.settings, signer),
    openServiceDatabase(definition, core, environment.own),
  ])
  life.settings = () => settings.current()
  const discovery = createDiscoveryClient(core, { key: ownKey, keySet })
  const http = createHttpClients(core, { discovery, signer })
  const grpc = createGrpcClients(core, { discovery, signer })
  return { signer, verifier, settings, database, discovery, http, grpc }
}

/** Lets the service make its parts, and binds what they send to the messaging that their consumers belong to. */
const startParts = async <Settings extends z.ZodObject, Schema>(
  definition: ServiceDefinition<Settings, Schema>,
  environment: ProcessEnvironment,
  core: ProcessCore,
  tools: Tools<Settings, Schema>,
  life: Life,
): Promise<{ parts: Parts; messaging: Messaging }> => {
  const { openMessaging } = await import('./messaging/messaging.ts')
  const { database, verifier, settings, discovery, http, grpc, signer } = tools
  const { service, instance, profile, host, allowedHosts } = environment.kit
  let messages: { outbox: Outbox; records: Records } | undefined
  const context: Context<z.output<Settings>, Schema> = {
    ...core,
    service,
    instance,
    profile,
    host,
    allowedHosts,
    settings,
    environment: environment.own,
    get database(): Database<Schema> {
      if (!database) throw new Error(`${definition.name} declares no database`)
      return database
    },
    // The consumers come out of `start`, the outbox goes into it: bound when both exist.
    outbox: {
      add: (tx, ...events) => bound(messages).outbox.add(tx, ...events),
      wake: () => bound(messages).outbox.wake(),
    },
    records: {
      send: (records) => bound(messages).records.send(records),
      bury: (record, failure) => bound(messages).records.bury(record, failure),
    },
    http,
    grpc,
    discovery,
    signer,
    verify: (authorization) => verifier.verify(authorization),
  }
  life.stage = 'starting its parts'
  const parts = await definition.start(context)
  const messaging = await openMessaging(core, {
    ...(database ? { database: database as Database } : {}),
    writes: definition.writes ?? [],
    consumers: [...(parts.consumers ?? []), ...configSubscription(definition.name, () => settings.refresh())],
    ...(parts.records ? { records: parts.records } : {}),
    ...(parts.outboxSource ? { outboxSource: parts.outboxSource } : {}),
  })
  messages = messaging
  return { parts, messaging }
}

/** The ports as others reach them. */
const advertised = (kit: Core['environment'], ports: Readonly<Record<string, number>>): Record<string, number> => ({
  ...ports,
  ...(ports.http === undefined ? {} : { http: kit.advertisedHttpPort ?? ports.http }),
  ...(ports.grpc === undefined ? {} : { grpc: kit.advertisedGrpcPort ?? ports.grpc }),
})

/** In the order of reliability rule 14. */
const stop = async <Settings extends z.ZodObject, Schema>(
  core: ProcessCore,
  running: {
    parts: Parts
    messaging: Messaging
    servers: readonly Server[]
    workers: ReturnType<typeof superviseWorkers>
  },
  { discovery, settings, http, grpc, database }: Tools<Settings, Schema>,
): Promise<void> => {
  const { parts, messaging, servers, workers } = running
  await discovery.deregister()
  await Promise.all(servers.map((server) => server.drain(lifecycleLimits.drainMs)))
  await Promise.all([messaging.stopConsumers(lifecycleLimits.consumersMs), workers.stop(lifecycleLimits.consumersMs)])
  for (const server of servers) await server[Symbol.asyncDispose]()
  await messaging.close()
  await parts.close?.()
  settings.close()
  await Promise.all([http, grpc, discovery].map((client) => client[Symbol.asyncDispose]()))
  await core.exporter?.[Symbol.asyncDispose]()
  await database?.close()
}

const bound = <Part>(part: Part | undefined): Part => {
  if (!part) throw new Error('nothing may be sent before start() returned')
  return part
}

const openServiceDatabase = async <Settings extends z.ZodObject, Schema>(
  definition: ServiceDefinition<Settings, Schema>,
  core: Core,
  own: Readonly<Record<string, unknown>>,
) => {
  const { unless } = definition.database ?? {}
  if (!definition.database || (unless !== undefined && own[unless] !== undefined)) return undefined
  const url = core.environment.databaseUrl
  if (!url) throw new Error('SVYAZ_DATABASE_URL is missing: this service has a database')
  const { openDatabase } = await import('./database/database.ts')
  return openDatabase<Schema>(core, { url, migrations: definition.database.migrations })
}

/** Every service but config itself reads its configuration again when the config service says that it changed. */
const configSubscription = (service: string, refresh: () => Promise<void>) =>
  service === 'config'
    ? []
    : [
        subscribe({
          topic: configEvents,
          group: { broadcast: true },
          dedupe: 'none',
          on: {
            'config.changed': async (message) => {
              if (message.data.application === service || message.data.application === 'application') await refresh()
            },
          },
        }),
      ]

interface Server {
  drain(deadlineMs: number): Promise<void>
  [Symbol.asyncDispose](): PromiseLike<void>
}

const startServers = async (core: Core, parts: Parts, verifier: Awaited<ReturnType<typeof createVerifier>>) => {
  const { host, httpPort, grpcPort } = core.environment
  const ports: Record<string, number> = {}
  const list: Server[] = []
  if (parts.http || parts.rawHttp || parts.sockets) {
    const { startHttpServer } = await import('./http/server.ts')
    const server = await startHttpServer(core, {
      handlers: parts.http ?? [],
      raw: parts.rawHttp ?? [],
      sockets: parts.sockets ?? [],
      verifier,
      host,
      port: httpPort,
    })
    ports.http = server.port
    list.push(server)
  }
  if (parts.grpc) {
    const { startGrpcServer } = await import('./grpc/server.ts')
    const server = await startGrpcServer(core, { handlers: parts.grpc, verifier, host, port: grpcPort })
    ports.grpc = server.port
    list.push(server)
  }
  const configured: Record<string, number> = { http: httpPort, grpc: grpcPort }
  for (const { portName, listen } of parts.servers ?? []) {
    const server = await listen({ host, port: configured[portName] ?? 0 })
    ports[portName] = server.port
    list.push(server)
  }
  return { ports, list }
}
