/** `svyaz up --detach`: the same command once more, in the background, until it is ready. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lastLines } from '../supervisor/log-reader.ts'
import { placesIn } from '../supervisor/places.ts'
import type { Invocation } from './command.ts'
import { ask, type Instances, supervisorOn } from './control-client.ts'
import { CliError, exitCodes } from './errors.ts'
import { welcome } from './welcome.ts'

const readyDeadlineMs = 120_000
const pollMs = 50

export async function detach({ config, terminal, flags }: Invocation): Promise<number> {
  const startedMs = performance.now()
  const { logs } = placesIn(config.home)
  mkdirSync(logs, { recursive: true })
  const logPath = join(logs, 'supervisor.log')
  const log = openSync(logPath, 'w', 0o600)
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./main.ts', import.meta.url)), 'up', ...passOn(flags)],
    {
      cwd: config.root,
      env: { ...config.environment, SVYAZ_HOME: config.home },
      detached: true,
      stdio: ['ignore', log, log],
    },
  )
  closeSync(log)
  let exitCode: number | undefined
  child.once('exit', (code) => {
    exitCode = code ?? exitCodes.failed
  })
  const deadline = performance.now() + readyDeadlineMs
  for (;;) {
    if (exitCode !== undefined)
      throw new CliError(
        lastLines(logPath, 20)
          .join('\n')
          .replace(/^svyaz: /, ''),
      )
    const instances = supervisorOn(config.home)?.pid === child.pid ? await listed(config.home) : undefined
    if (instances?.every((instance) => instance.status === 'ready')) {
      child.unref()
      const tookMs = Math.round(performance.now() - startedMs)
      if (flags.json) terminal.json({ type: 'ready', pid: child.pid, tookMs })
      else
        for (const line of welcome(instances, tookMs, terminal))
          terminal.print(line.replace('Ctrl-C stops', '`npx svyaz down` stops'))
      return exitCodes.ok
    }
    if (performance.now() > deadline) {
      const late = instances?.filter((instance) => instance.status !== 'ready').map((instance) => instance.name)
      throw new CliError(
        `not ready after ${readyDeadlineMs / 1000} s: ${late?.join(', ') ?? 'the supervisor'} (it goes on trying; see \`npx svyaz logs\`)`,
      )
    }
    await delay(pollMs)
  }
}

async function listed(home: string) {
  // Between taking the lock and listening the supervisor can't answer yet.
  return ask<Instances>(home, 'GET', '/instances').then(
    (answer) => answer.instances,
    () => undefined,
  )
}

const passOn = (flags: Invocation['flags']): string[] =>
  Object.entries(flags).flatMap(([name, value]) =>
    name === 'detach' || name === 'json' || value === undefined || value === false
      ? []
      : value === true
        ? [`--${name}`]
        : [`--${name}`, String(value)],
  )
