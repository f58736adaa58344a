/**
 * A durable single-node broker that speaks the Kafka wire protocol.
 *
 * ```ts
 * await using broker = await startBroker({ port: 0, directory: './data' })
 * // any Kafka client: bootstrap at `127.0.0.1:${broker.port}`
 * ```
 */
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { apis } from './apis/table.ts'
import type { Broker as BrokerParts } from './broker.ts'
import { Damage } from './damage.ts'
import { GroupCoordinator } from './groups/coordinator.ts'
import { CommittedOffsets } from './groups/offsets.ts'
import { Growth } from './growth.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { DamagedLog } from './log/errors.ts'
import type { Durability, Log, LogLimits } from './log/log.ts'
import { openLog } from './log/open.ts'
import { type Logger, silentLogger } from './logger.ts'
import { Producers } from './producers/producers.ts'
import { type Listening, listen } from './server/server.ts'
import { Traffic } from './server/traffic.ts'
import { Topics } from './topics/topics.ts'

export { findLoss } from './accept-loss.ts'
export type { Limits } from './limits.ts'
export type { Durability, LogLimits } from './log/log.ts'
export { jsonLogger, type Level, type Logger } from './logger.ts'

export interface BrokerOptions {
  /** Where the data is; made when missing. One broker at a time may use it. */
  readonly directory: string
  /** Address to listen on; 127.0.0.1 when left out. */
  readonly host?: string
  /** 0: any free port. 9092 when left out. */
  readonly port?: number
  /** Where clients are told to connect, when that is not where the broker listens: a proxy, another network. */
  readonly advertised?: { readonly host?: string; readonly port?: number }
  /** Partitions of a topic that is made without a number; 6 when left out. */
  readonly defaultPartitions?: number
  /** Whether asking for a topic's metadata makes it, if the client agrees; true when left out. */
  readonly autoCreateTopics?: boolean
  readonly limits?: Partial<Limits>
  readonly logLimits?: Partial<LogLimits>
  /** 'sync': acknowledged after fdatasync. 'os': after the write; survives a kill, not a power cut. */
  readonly durability?: Durability
  readonly logger?: Logger
  /** The disk failed: nothing more can be promised. Ends the process when left out. */
  readonly onFatal?: (error: Error) => void
}

export interface Broker extends AsyncDisposable {
  /** Where it listens. */
  readonly host: string
  readonly port: number
  readonly clusterId: string
  /** The parts, for the management page and for tests; not meant to be stable. */
  readonly parts: BrokerParts
  readonly traffic: Traffic
}

const NODE_ID = 1
const CLUSTER_ID_KEY = 'cluster-id'
const DRAIN_MS = 5_000
const RETENTION_EVERY_MS = 60_000

/**
 * Opens the log, takes the port and serves. Rejects when the port is taken (the system's error, code EADDRINUSE) or
 * the log can't be opened (see log/errors.ts). Disposing answers what is under way, then closes the log cleanly.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const host = options.host ?? '127.0.0.1'
  const logger = options.logger ?? silentLogger
  const limits = { ...defaultLimits, ...options.limits }
  // The port first: a second broker on the same port must not touch the data.
  const listening = await listen(host, options.port ?? 9092, limits)
  try {
    await mkdir(dirname(resolve(options.directory)), { recursive: true })
    const log = await openLog({
      directory: options.directory,
      onFatal: options.onFatal ?? endProcess(logger),
      logger,
      ...(options.logLimits && { limits: options.logLimits }),
      ...(options.durability && { durability: options.durability }),
    })
    const advertised = {
      host: options.advertised?.host ?? connectable(host),
      port: options.advertised?.port ?? listening.port,
    }
    const parts = await assemble(log, options, advertised, limits, logger)
    const traffic = new Traffic(apis)
    listening.serve(parts, traffic, logger)
    return running(host, listening, parts, traffic, logger)
  } catch (error) {
    await listening.close(0)
    throw error
  }
}

async function assemble(
  log: Log,
  options: BrokerOptions,
  advertised: BrokerParts['advertised'],
  limits: Limits,
  logger: Logger,
): Promise<BrokerParts> {
  const defaultPartitions = options.defaultPartitions ?? 6
  const damage = new Damage(logger)
  const topics = new Topics(log, { ...limits, defaultPartitions }, randomUUID)
  return {
    clusterId: await clusterIdOf(log),
    nodeId: NODE_ID,
    advertised,
    autoCreateTopics: options.autoCreateTopics ?? true,
    defaultPartitions,
    limits,
    log,
    topics,
    producers: new Producers(log, limits, (topicId, partition, error) => {
      if (error instanceof DamagedLog) damage.note(topics.byId(topicId)?.name ?? topicId, partition, error)
      else logger.error('the producers of a partition could not be read', { topicId, partition, error: String(error) })
    }),
    offsets: new CommittedOffsets(log),
    groups: new GroupCoordinator(
      log,
      limits,
      () => performance.now(),
      (error) => logger.error('a group could not be stored', { error: String(error) }),
    ),
    growth: new Growth(log),
    damage,
    newId: randomUUID,
  }
}

/** What is left to do while it serves, and how it ends. */
function running(host: string, listening: Listening, parts: BrokerParts, traffic: Traffic, logger: Logger): Broker {
  const retention = setInterval(() => {
    parts.log.enforceRetention().catch((error: unknown) => logger.warn('retention failed', { error: String(error) }))
  }, RETENTION_EVERY_MS)
  retention.unref()
  let closing: Promise<void> | undefined
  const close = async () => {
    clearInterval(retention)
    parts.groups.close()
    await listening.close(DRAIN_MS)
    parts.growth.close()
    await parts.log[Symbol.asyncDispose]()
  }
  return {
    host,
    port: listening.port,
    clusterId: parts.clusterId,
    parts,
    traffic,
    [Symbol.asyncDispose]: () => {
      closing ??= close()
      return closing
    },
  }
}

/** A wildcard is where one listens, not where one connects. */
function connectable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

function endProcess(logger: Logger): (error: Error) => void {
  return (error) => {
    logger.error('the log failed; ending, as nothing more can be promised', { error: error.stack ?? error.message })
    process.exit(1)
  }
}

/** Made at the first start, 22 characters as in Apache Kafka, and kept in the log. */
async function clusterIdOf(log: Log): Promise<string> {
  for (const [key, value] of log.internal()) if (key === CLUSTER_ID_KEY) return value.toString('utf8')
  const clusterId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
  await log.append([{ kind: 'internal', key: CLUSTER_ID_KEY, value: Buffer.from(clusterId) }])
  return clusterId
}
