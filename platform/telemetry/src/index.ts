/** Takes what processes report over OTLP/HTTP, and answers whoever looks: `receiver.ts` says how. */
import { rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { close, createListener, type Log, listen } from '@svyaz/stage'
import { lockDirectory } from '@svyaz/stage/directory-lock'
import { Activity } from './activity/activity.ts'
import { replay } from './activity/replay.ts'
import type { Sources } from './answers.ts'
import { sayFaults } from './faults.ts'
import { closeConnections } from './get-text.ts'
import { Instances } from './instances.ts'
import { recordLevels, type ServiceLevel } from './levels/levels.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { Live } from './live.ts'
import { LogFollower } from './logs/follow.ts'
import { LogStore } from './logs/log-store.ts'
import { MetricStore } from './metrics/metric-store.ts'
import { PushedSamples } from './metrics/pushed.ts'
import { Scraper, type StaticTarget } from './metrics/scraper.ts'
import { Receiver } from './receiver.ts'
import { SpanStore } from './spans/span-store.ts'

export { readLevels, type ServiceLevel } from './levels/levels.ts'
export { ageMsDefault, bytesDefault, defaultLimits, type Limits, limitsFor } from './limits.ts'
export type { StaticTarget } from './metrics/scraper.ts'

const monotonicMs = () => performance.now()
/** As deploy/prometheus has it. */
export const scrapeEveryMsDefault = 15_000
/** A little less than four looks: the fourth is never just too early. */
const levelsEveryMs = 55_000

export type TelemetryOptions = {
  /** Where history lives; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Host names, beside the loopback ones, under which it may be asked. */
  readonly allowedHosts?: readonly string[]
  /** Folder of log files, `<instance>.log`. */
  readonly logDirectory?: string
  /** Base address of Consul's API. */
  readonly discovery?: string
  /** What is scraped besides what discovery knows. */
  readonly targets?: readonly StaticTarget[]
  /** Between two looks at metrics; 0: none is looked at but when `look` is called. */
  readonly scrapeEveryMs?: number
  /** What is promised. */
  readonly levels?: readonly ServiceLevel[]
  readonly limits?: Partial<Limits>
  readonly log?: Log
}

export type Telemetry = AsyncDisposable & {
  readonly port: number
  readonly url: string
  /** Looks at all metrics now. */
  look(): Promise<void>
}

/**
 * Opens the history, then the port.
 * @throws DirectoryInUse when another process has the folder; when it can't be used or the port is taken
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { host = '127.0.0.1', allowedHosts = [], log = () => {} } = options
  const limits = { ...defaultLimits, ...options.limits }
  await using starting = new AsyncDisposableStack()
  starting.defer(await lockedIfPossible(options.directory, log))
  const { sources, scraper } = openSources(options, limits, starting)
  await removeOlderForms(options.directory)
  const receiver = new Receiver(sources, allowedHosts, log)
  scraper.ownPage = () => receiver.metricsText()
  const live = new Live(sources, allowedHosts)
  const server = createListener(log, (...exchange) => receiver.answer(...exchange), {
    allowedHosts,
    connections: limits,
  })
  server.on('upgrade', (...upgrade) => void live.join(...upgrade))
  const port = await listen(server, options.port ?? 0, host)
  if (sources.scrapeEveryMs > 0) scraper.start()
  const ending = new AbortController()
  const replayed = replay(sources.spans, sources.activity, Date.now(), ending.signal)
  const running = starting.move()
  return {
    port,
    look: () => scraper.look(),
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      receiver.stopping = true
      ending.abort()
      await replayed
      live.end()
      scraper[Symbol.dispose]()
      closeConnections()
      await close(server, 5_000)
      await running.disposeAsync()
    },
  }
}

/** A full disk costs history, not the start: then there is no room for a lock either. */
async function lockedIfPossible(directory: string, log: Log): Promise<() => Promise<void>> {
  try {
    return await lockDirectory(directory)
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    log('warn', 'the disk is full: the folder is used without a lock', { directory })
    return async () => undefined
  }
}

/** What is kept, and what looks after it. */
function openSources(options: TelemetryOptions, limits: Limits, owned: AsyncDisposableStack) {
  const { levels = [], scrapeEveryMs = scrapeEveryMsDefault, targets = [], log = () => {} } = options
  const onFault = sayFaults(log, 'history is not kept as it should be', monotonicMs)
  const spans = owned.use(new SpanStore(options.directory, limits.spans, onFault))
  const metrics = owned.use(new MetricStore(options.directory, limits.metrics, onFault))
  const logs = owned.use(new LogStore(options.directory, limits.logs, onFault))
  const pushed = new PushedSamples(limits.metrics.targetsMax, limits.metrics.seriesPerTargetMax)
  const instances = options.discovery ? new Instances(options.discovery, monotonicMs) : undefined
  const looked = levelRecorder(levels, metrics, sayFaults(log, 'a service level cannot be judged', monotonicMs))
  const scraper = new Scraper({
    store: metrics,
    instances,
    targets,
    pushed,
    everyMs: scrapeEveryMs,
    now: Date.now,
    looked,
    onFault: sayFaults(log, 'metrics were not looked at', monotonicMs),
  })
  const sources: Sources = {
    spans,
    metrics,
    scraper,
    scrapeEveryMs,
    levels,
    activity: new Activity(limits.activity),
    instances,
    logDirectory: options.logDirectory,
    logs,
    pushed,
    follower: new LogFollower(options.logDirectory),
    limits,
    now: Date.now,
  }
  return { sources, scraper }
}

/** Levels are judged once a minute, after a look. */
function levelRecorder(
  levels: readonly ServiceLevel[],
  metrics: MetricStore,
  onFault: (fault: unknown) => void,
): (atMs: number) => void {
  let judgedAtMs = 0
  return (atMs) => {
    if (levels.length === 0 || Math.abs(atMs - judgedAtMs) < levelsEveryMs) return
    judgedAtMs = atMs
    recordLevels(levels, metrics, atMs, onFault)
  }
}

/** Spans as earlier versions kept them, a day's worth at most: not worth reading. */
const olderForms = /^(?:spans-\d{10}\.ndjson|traces-\d{10}\.db(?:-wal|-shm|\.part)?)$/

async function removeOlderForms(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (olderForms.test(name)) rmSync(join(directory, name), { force: true })
}
