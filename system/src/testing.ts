/**
 * A whole system, or a part of it, for tests: in this process, on free ports, in a folder of its own, so that any
 * number of them run side by side. Its processes end with this one, however it ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { topology as realTopology, type Topology } from '../topology.ts'
import type { Engines } from './engines/addresses.ts'
import { prepareEngines } from './engines/prepare.ts'
import { removeRelocated } from './postgres/place.ts'
import { type ControlContext, startControlServer } from './supervisor/control-server.ts'
import { lastLines } from './supervisor/log-reader.ts'
import { placesIn } from './supervisor/places.ts'
import { restrict, withNeeds } from './supervisor/restrict.ts'
import { type Action, type InstanceView, Supervisor, type SupervisorEvent } from './supervisor/supervisor.ts'

export interface SystemOptions {
  /** SVYAZ_HOME; default: a temporary folder that is removed at the end. Give one to restart on the same data. */
  readonly home?: string
  /** Default `'free'`: every port is a free one. A number is added to the fixed ones, as by --port-offset. */
  readonly ports?: 'free' | number
  /** Engines that run already, for the parts that they stand for; the rest is started. */
  readonly engines?: Engines
  /** Start these processes and all that they need; default: everything. */
  readonly only?: readonly string[]
  /** Start exactly `only`, without what they need. */
  readonly exactly?: boolean
  /** Variables for every process, e.g. `{SVYAZ_CRASH_POINTS: …}`. */
  readonly env?: Readonly<Record<string, string>>
  readonly topology?: Topology
  /** Default true: run bundles, which all tests of this checkout share. */
  readonly bundle?: boolean
  /** Give up waiting for readiness after this; default 60 s. */
  readonly readyTimeoutMs?: number
}

export interface System extends AsyncDisposable {
  readonly home: string
  /** Path of the control socket: the CLI works with `SVYAZ_HOME=<home>`. */
  readonly controlSocket: string
  readonly supervisor: Supervisor
  /** `http://127.0.0.1:<port>` of the first instance's port of that role, default `http`. */
  url(process: string, port?: string): string
  /** Connection string of a service's database, as its own role. */
  databaseUrl(service: string): string
  instances(): InstanceView[]
  /** Instance `orders-1` or service `orders`. Each returns when it is done; see {@link Supervisor.act}. */
  kill(target: string): Promise<void>
  restart(target: string): Promise<void>
  stop(target: string): Promise<void>
  start(target: string): Promise<void>
  pause(target: string): Promise<void>
  resume(target: string): Promise<void>
  scale(service: string, count: number): Promise<void>
  /** Variables for the next process of an instance alone, e.g. `{SVYAZ_CRASH_POINTS: …}` before a `restart`. */
  startNextWith(instance: string, variables: Readonly<Record<string, string>>): void
  /** Until every instance that isn't stopped is ready. @throws Error naming those that are not, with their last words. */
  waitReady(timeoutMs?: number): Promise<void>
  /** The last lines that an instance wrote. */
  logs(instance: string, lines?: number): string[]
  listen(listener: (event: SupervisorEvent) => void): () => void
}

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const sharedCache = join(root, 'node_modules', '.cache', 'svyaz')

/** Starts a system and waits until it is ready. Use it with `await using`. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'svyaz-'))
  const wanted = chosen(options)
  const topology = options.engines ? await prepareEngines(wanted, options.engines, home) : wanted
  const supervisor = await Supervisor.start({
    topology,
    root,
    home,
    host: '127.0.0.1',
    portOffset: options.ports ?? 'free',
    bundle: options.bundle ?? true,
    cache: sharedCache,
    extra: options.env ?? {},
    inherited: process.env,
    random: Math.random,
  })
  const context: ControlContext = { supervisor, down: () => void supervisor.stop() }
  const control = await startControlServer(context)
  const system = describe(supervisor, home, async () => {
    await supervisor.stop()
    await control[Symbol.asyncDispose]()
    if (options.home === undefined) removeHome(home)
  })
  try {
    await system.waitReady(options.readyTimeoutMs)
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
  return system
}

/**
 * Removes the home of a system that has ended, with what its PostgreSQL has elsewhere: started as root, which tests in
 * containers are, its data lies outside of a home that its account can't enter.
 */
export function removeHome(home: string): void {
  removeRelocated(placesIn(home).data('postgres'))
  rmSync(home, { recursive: true, force: true, maxRetries: 3 })
}

function chosen({ topology = realTopology, only, exactly }: SystemOptions): Topology {
  if (!only) return topology
  return restrict(topology, exactly ? only : withNeeds(topology, only))
}

function describe(supervisor: Supervisor, home: string, dispose: () => Promise<void>): System {
  const act = (action: Action) => async (target: string) => void (await supervisor.act(action, target))
  return {
    home,
    controlSocket: supervisor.controlSocket,
    supervisor,
    url: (process, port = 'http') => `http://127.0.0.1:${supervisor.port(process, port)}`,
    databaseUrl: (service) => supervisor.databaseUrl(service),
    instances: () => supervisor.views(),
    kill: act('kill'),
    restart: act('restart'),
    stop: act('stop'),
    start: act('start'),
    pause: act('pause'),
    resume: act('resume'),
    scale: async (service, count) => void (await supervisor.scale(service, count)),
    startNextWith: (instance, variables) => supervisor.startNextWith(instance, variables),
    waitReady: (timeoutMs = 60_000) => waitReady(supervisor, timeoutMs),
    logs: (instance, lines = 100) => {
      const view = supervisor.views().find((candidate) => candidate.name === instance)
      if (!view) throw new Error(`there is no instance "${instance}"`)
      return lastLines(view.log, lines)
    },
    listen: (listener) => supervisor.listen(listener),
    [Symbol.asyncDispose]: dispose,
  }
}

async function waitReady(supervisor: Supervisor, timeoutMs: number): Promise<void> {
  try {
    await supervisor.ready(AbortSignal.timeout(timeoutMs))
  } catch (cause) {
    const late = supervisor.views().filter((view) => view.status !== 'ready' && view.status !== 'stopped')
    const words = await Promise.all(
      late.map(async (view) =>
        [`${view.name} is ${view.status}`, ...(await reasonsOf(view)), ...lastLines(view.log, 5)].join('\n    '),
      ),
    )
    throw new Error(`not ready after ${timeoutMs} ms:\n  ${words.join('\n  ')}`, { cause })
  }
}

/** Why an instance says that it is not ready, if it has a management port and answers on it. */
async function reasonsOf({ ports }: InstanceView): Promise<string[]> {
  if (ports.management === undefined) return []
  try {
    const answer = await fetch(`http://127.0.0.1:${ports.management}/health/ready`, {
      signal: AbortSignal.timeout(1_000),
    })
    return [await answer.text()]
  } catch {
    return ['it does not answer on its management port']
  }
}
