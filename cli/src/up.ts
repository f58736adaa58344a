/** `svyaz up`: starts the supervisor in this process, shows what happens, and stops everything at the end. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { withBalancer } from '@svyaz/system/balancer.ts'
import { checkoutAt } from '@svyaz/system/checkout.ts'
import { withEdge } from '@svyaz/system/edge.ts'
import { type Engines, readAddress, readEngines } from '@svyaz/system/engines/addresses.ts'
import { withRedis } from '@svyaz/system/engines/topology.ts'
import { collectAtRest } from '@svyaz/system/memory/at-rest.ts'
import { endSignals, meaningOf } from '@svyaz/system/supervisor/asked-to-end.ts'
import { startControlServer } from '@svyaz/system/supervisor/control-server.ts'
import { homeVersion } from '@svyaz/system/supervisor/home.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import { restrict } from '@svyaz/system/supervisor/restrict.ts'
import { Supervisor } from '@svyaz/system/supervisor/supervisor.ts'
import type { Topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { assertKnown } from './control-client.ts'
import { detach, type StartOptions } from './detach.ts'
import { exitCodes, UsageError } from './errors.ts'
import { findProgram } from './find-program.ts'
import { type Progress, showProgress } from './progress.ts'
import { welcome } from './welcome.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * `svyaz up`: runs the system here until it is stopped, or in the background.
 * @param start of a start in the background
 * @returns the exit code
 * @throws CliError as `detach` does
 */
export async function up(invocation: Invocation, start: StartOptions = {}): Promise<number> {
  const { config, terminal, flags } = invocation
  const portOffset = wholeNumber(flags['port-offset'], 0)
  const engines = flags.engines ? chosenEngines(invocation) : undefined
  const startedMs = performance.now()
  const chosen = withChosenBalancer(withChosenEdge(await chosenTopology(invocation), invocation), invocation)
  if (chosen.processes.some((process) => process.name === 'mc1') && !(await relayFileIsRight(invocation)))
    return exitCodes.usage
  if (/[\n\r]/.test(config.home))
    throw new UsageError(
      `SVYAZ_HOME has a line break in its path, which PostgreSQL can't work with: ${JSON.stringify(config.home)}`,
    )
  // Before the keys in it are read, and while there is somebody to see it.
  homeVersion(placesIn(config.home), checkoutAt(config.root))
  if (flags.detach) return detach(invocation, start)
  const topology = engines
    ? await (await import('@svyaz/system/engines/prepare.ts')).prepareEngines(chosen, engines, config.home)
    : withRedis(chosen, chosenRedis(invocation))
  const supervisor = await Supervisor.start({
    topology,
    root: config.root,
    home: config.home,
    host: typeof flags.host === 'string' ? flags.host : '127.0.0.1',
    portOffset,
    bundle: !flags['no-bundle'],
    extra: config.passed,
    inherited: config.environment,
    random: Math.random,
  })
  collectAtRest()
  const ended = Promise.withResolvers<number>()
  stopOnSignals(supervisor, ended.resolve)
  const progress = showProgress(supervisor, terminal, { json: flags.json === true, startedMs })
  await using _control = await startControlServer({
    supervisor,
    down: () => void supervisor.stop().then(() => ended.resolve(exitCodes.ok)),
  })
  void announce(supervisor, progress, invocation, startedMs)
  const code = await ended.promise
  progress.stop()
  return code
}

async function announce(
  supervisor: Supervisor,
  progress: Progress,
  { terminal, flags }: Invocation,
  startedMs: number,
): Promise<void> {
  await supervisor.ready()
  if (supervisor.stopping) return
  const tookMs = Math.round(performance.now() - startedMs)
  progress.ready()
  if (flags.json) terminal.json({ type: 'ready', at: new Date().toISOString(), tookMs })
  else for (const line of welcome(supervisor.views(), tookMs, terminal)) terminal.print(line)
}

function stopOnSignals(supervisor: Supervisor, ended: (code: number) => void): void {
  let firstMs: number | undefined
  const onSignal = () => {
    const meaning = meaningOf(firstMs, performance.now())
    if (meaning === 'first') {
      firstMs = performance.now()
      void supervisor.stop().then(() => ended(exitCodes.ok))
    } else if (meaning === 'second') {
      supervisor.killAll()
      process.exit(exitCodes.failed)
    }
  }
  for (const signal of endSignals) process.on(signal, onSignal)
}

/** @throws UsageError naming every address that is missing or wrong. */
function chosenEngines({ config }: Invocation): Engines {
  const read = readEngines(config.environment)
  if ('engines' in read) return read.engines
  throw new UsageError(
    `these addresses are needed (\`embedded\` starts our own part instead; docs/engines.md):\n  ${read.faults.join('\n  ')}`,
  )
}

/** Its address, if the gateways share one. @throws UsageError when it isn't one */
function chosenRedis({ config }: Invocation): string | undefined {
  const { text, fault } = readAddress('redis', config.environment)
  if (fault !== undefined) throw new UsageError(fault)
  return text
}

/** @throws UsageError when Caddy or the gateway behind it isn't there. */
function withChosenEdge(topology: Topology, { flags, config }: Invocation): Topology {
  if (!flags.edge) return topology
  const caddy = config.environment.SVYAZ_CADDY ?? findProgram('caddy', config.environment)
  if (caddy === undefined)
    throw new UsageError(
      '--edge needs Caddy 2.6 or newer on the PATH, or its path in SVYAZ_CADDY (docs/http-versions.md)',
    )
  if (!topology.processes.some(({ name }) => name === 'gateway'))
    throw new UsageError('--edge needs the gateway among what is started')
  return withEdge(topology, { caddy, root: config.root, home: config.home })
}

/** @throws UsageError when nginx or the gateway behind it isn't there. */
function withChosenBalancer(topology: Topology, { flags, config }: Invocation): Topology {
  if (!flags.balancer) return topology
  const { environment } = config
  const nginx = environment.SVYAZ_NGINX ?? findProgram('nginx', environment) ?? findProgram('angie', environment)
  if (nginx === undefined)
    throw new UsageError(
      '--balancer needs nginx 1.22 or newer, or Angie, on the PATH, or its path in SVYAZ_NGINX (docs/gateway.md)',
    )
  if (!topology.processes.some(({ name }) => name === 'gateway'))
    throw new UsageError('--balancer needs the gateway among what is started')
  return withBalancer(topology, { nginx })
}

async function chosenTopology({ flags, config }: Invocation): Promise<Topology> {
  const file = flags.topology ?? 'system/topology.ts'
  const path = resolve(config.root, String(file))
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`)
  const { topology } = (await import(pathToFileURL(path).href)) as { topology: Topology }
  if (typeof flags.only !== 'string') return topology
  const names = flags.only.split(',').filter((name) => name !== '')
  assertKnown(
    'process',
    names,
    topology.processes.map((process) => process.name),
  )
  if (names.length === 0) throw new UsageError('--only takes the names of processes, e.g. --only postgres,broker')
  return restrict(topology, names)
}

/** Loaded only where the relay is among what starts: reading its file takes a parser. */
const relayFileIsRight = async (invocation: Invocation): Promise<boolean> =>
  (await import('./relay.ts')).relayFileIsRight(invocation)
