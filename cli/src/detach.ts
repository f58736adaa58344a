/** `svyaz up --detach`: the same command again, in the background, until it is ready or has failed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { lastLines } from '@svyaz/system/supervisor/log-reader.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import type { Invocation } from './command.ts'
import { ask, supervisorOn } from './control-client.ts'
import { down } from './down.ts'
import { CliError, exitCodes } from './errors.ts'
import { isLate, notReady, plain } from './late.ts'
import { welcome } from './welcome.ts'
import { wholeNumber } from './whole-number.ts'

const readySecondsDefault = 120
const pollMs = 50
/** Lines of its log that say why the supervisor ended. */
const supervisorWords = 20

/** A supervisor ends sooner in order; asked a second time it ends at once. */
const stopsWithinMs = 20_000

export interface StartOptions {
  /** What becomes of a supervisor whose processes aren't ready in time. */
  readonly whenLate?: 'goes on' | 'is stopped'
  /** Once it aborts the start is given up: what was started is stopped. */
  readonly signal?: AbortSignal
}

/**
 * Starts the supervisor in the background and waits until everything is ready.
 * @returns the exit code
 * @throws CliError when it isn't ready in time, has ended, or was given up; with `is stopped`, or given up, nothing of it
 *   runs then
 */
export async function detach(invocation: Invocation, options: StartOptions = {}): Promise<number> {
  const { config, terminal, flags } = invocation
  const { whenLate = 'goes on', signal } = options
  if (signal?.aborted) throw givenUp()
  const startedMs = performance.now()
  const withinMs = 1000 * wholeNumber(flags['ready-within'], readySecondsDefault)
  const { logs } = placesIn(config.home)
  mkdirSync(logs, { recursive: true })
  const logPath = join(logs, 'supervisor.log')
  const child = start(invocation, logPath)
  try {
    const instances = await untilReady(child, logPath, withinMs, options, invocation)
    const tookMs = Math.round(performance.now() - startedMs)
    if (flags.json) terminal.json({ type: 'ready', pid: child.pid, tookMs })
    else
      for (const line of welcome(instances, tookMs, terminal))
        terminal.print(line.replace('Ctrl-C stops', '`npx svyaz down` stops'))
    return exitCodes.ok
  } catch (error) {
    if (signal?.aborted) await endInOrder(child)
    // Only what was started here: a start that was refused found another's.
    else if (whenLate === 'is stopped' && supervisorOn(config.home)?.pid === child.pid) {
      await down({ ...invocation, terminal: { ...terminal, print: () => {}, json: () => {} }, flags: {} })
    }
    throw error
  } finally {
    // However it went: a child that is still held would keep this process, and with it the prompt.
    child.unref()
  }
}

const givenUp = (): CliError => new CliError('the start was given up')

/** Whatever it is at: before it has begun to start processes, a signal ends it by itself. */
async function endInOrder(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGTERM'), stopsWithinMs)
  await ended
  clearTimeout(patience)
}

function start({ config, flags }: Invocation, logPath: string): ChildProcess {
  // Another supervisor's log is not emptied by a start that is going to be refused.
  const log = openSync(logPath, supervisorOn(config.home) ? 'a' : 'w', 0o600)
  try {
    return spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url)), 'up', ...passOn(flags)], {
      cwd: config.root,
      env: { ...config.environment, SVYAZ_HOME: config.home },
      detached: true,
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

/**
 * Waits until every instance is ready, and names each that ends on the way.
 *
 * @throws CliError with the supervisor's last words as soon as it has ended, and after `withinMs` with those of each
 *   process that isn't ready; once the start is given up.
 */
async function untilReady(
  child: ChildProcess,
  logPath: string,
  withinMs: number,
  { whenLate, signal }: StartOptions,
  { config, terminal }: Invocation,
): Promise<readonly InstanceView[]> {
  let ended: string | undefined
  child.once('exit', (code, signal) => {
    ended = signal === null ? `exit code ${code}` : signal
  })
  child.once('error', (error) => {
    ended = error.message
  })
  const named = new Set<string>()
  const deadline = performance.now() + withinMs
  for (;;) {
    if (signal?.aborted) throw givenUp()
    if (ended !== undefined) throw new CliError(wordsOfSupervisor(logPath, ended))
    const instances = supervisorOn(config.home)?.pid === child.pid ? await listed(config.home, signal) : undefined
    if (instances?.every((instance) => instance.status === 'ready')) return instances
    if (performance.now() > deadline) {
      if (instances === undefined) throw new CliError(wordsOfSupervisor(logPath, 'it does not answer'))
      throw new CliError(notReady(withinMs, instances.filter(isLate), whenLate))
    }
    for (const { name, status, log } of instances ?? []) {
      if (status !== 'backing-off' || named.has(name)) continue
      named.add(name)
      terminal.complain(`svyaz: ${name} ended and is started again: ${lastLines(log, 1).map(plain).join('')}`)
    }
    await delay(pollMs)
  }
}

function wordsOfSupervisor(logPath: string, ended: string): string {
  const words = lastLines(logPath, supervisorWords)
    .join('\n')
    .replace(/^svyaz: /, '')
  return words === '' ? `the supervisor said nothing (${ended}); its log is ${logPath}` : words
}

async function listed(home: string, signal?: AbortSignal) {
  // Between taking the lock and listening the supervisor can't answer yet.
  return ask<Instances>(home, 'GET', '/instances', signal).then(
    (answer) => answer.instances,
    () => undefined,
  )
}

const notPassedOn = ['detach', 'json', 'ready-within']

const passOn = (flags: Invocation['flags']): string[] =>
  Object.entries(flags).flatMap(([name, value]) =>
    notPassedOn.includes(name) || value === undefined || value === false
      ? []
      : value === true
        ? [`--${name}`]
        : [`--${name}`, String(value)],
  )
