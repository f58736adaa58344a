/**
 * `svyaz relay`: one session of the relay loop, and its result. Starts what the loop needs and nothing else, or uses the
 * system that runs here; stops what it started.
 */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import { readRelayFile, relayFilePath } from '@svyaz/relay/config'
import { endLines, startLine } from '@svyaz/relay/report'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { startControlServer } from '@svyaz/system/supervisor/control-server.ts'
import { restrict } from '@svyaz/system/supervisor/restrict.ts'
import { Supervisor } from '@svyaz/system/supervisor/supervisor.ts'
import { relayLoop, topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { ask, supervisorOn } from './control-client.ts'
import { CliError, exitCodes } from './errors.ts'
import { wholeNumber } from './whole-number.ts'

const pollMs = 200
const readyDeadlineMs = 120_000

/**
 * `svyaz relay`: starts what the loop needs, runs one session, prints its result.
 * @returns the exit code
 */
export async function relay(invocation: Invocation): Promise<number> {
  const { config, terminal } = invocation
  if (!relayFileIsRight(invocation)) return exitCodes.usage
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort())

  if (supervisorOn(config.home)) {
    const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
    const port = instances.find((instance) => instance.name === 'mc1-1')?.ports.http
    if (port === undefined) throw new CliError('MC1 is not part of the running system')
    return await session(port, invocation, interrupt.signal)
  }
  terminal.print(`Starting ${relayLoop.join(', ')}.`)
  const supervisor = await startLoop(invocation)
  try {
    await using _control = await startControlServer({ supervisor, down: () => interrupt.abort() })
    await supervisor.ready(AbortSignal.any([interrupt.signal, AbortSignal.timeout(readyDeadlineMs)]))
    return await session(supervisor.port('mc1', 'http'), invocation, interrupt.signal)
  } catch (error) {
    if (interrupt.signal.aborted) return exitCodes.failed
    throw error
  } finally {
    await supervisor.stop()
  }
}

/** Names every fault of the file on stderr; so that nothing is started only to fail on it. */
export function relayFileIsRight({ config, terminal }: Invocation): boolean {
  const path = relayFilePath(config.environment)
  const read = readRelayFile(resolve(config.root, path))
  if (!('faults' in read)) return true
  for (const line of [`svyaz: ${path} is wrong:`, ...read.faults.map((fault) => `  ${fault}`)]) terminal.complain(line)
  return false
}

const startLoop = ({ config, flags }: Invocation): Promise<Supervisor> =>
  Supervisor.start({
    topology: restrict(topology, relayLoop),
    root: config.root,
    home: config.home,
    host: '127.0.0.1',
    portOffset: wholeNumber(flags['port-offset'], 0),
    bundle: true,
    extra: config.passed,
    inherited: config.environment,
    random: Math.random,
  })

async function session(port: number, { terminal, flags }: Invocation, interrupted: AbortSignal): Promise<number> {
  const begun = await call(port, '/start/')
  if (!flags.json) terminal.print(startLine(begun))
  const ended = await untilEnded(port, begun.sessionId, interrupted)
  if (flags.json) terminal.json(ended)
  else for (const line of endLines(ended)) terminal.print(line)
  return ended.status === 'finished' && ended.stored === ended.generated ? exitCodes.ok : exitCodes.failed
}

/** Ctrl-C ends the session early, and its result is still told. */
async function untilEnded(port: number, sessionId: number, interrupted: AbortSignal): Promise<RelaySession> {
  for (let stopped = false; ; ) {
    const session = await call(port, `/sessions/${sessionId}`)
    if (session.status === 'finished' || session.status === 'interrupted') return session
    if (interrupted.aborted && !stopped) {
      stopped = true
      await call(port, '/stop/')
    } else await delay(pollMs, undefined, stopped ? {} : { signal: interrupted }).catch(() => undefined)
  }
}

async function call(port: number, path: string): Promise<RelaySession> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  const body = (await answer.json()) as RelaySession & { detail?: string }
  if (!answer.ok) throw new CliError(`MC1 answered ${answer.status}: ${body.detail ?? ''}`)
  return body
}
