import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, type ProcessIdentity } from '@svyaz/system/supervisor/process-table.ts'
import type { Invocation } from './command.ts'
import { ask, supervisorOn } from './control-client.ts'
import { CliError, exitCodes } from './errors.ts'

/** Beyond the supervisor's own deadline for stopping. */
const deadlineMs = 15_000
const pollMs = 25

/**
 * `svyaz down`: stops the running system and waits for its end.
 * @returns the exit code
 */
export async function down({ config, terminal, flags }: Invocation): Promise<number> {
  const startedMs = performance.now()
  const supervisor = supervisorOn(config.home)
  if (supervisor) await stopAndWait(config.home, supervisor)
  const tookMs = Math.round(performance.now() - startedMs)
  if (flags.json) terminal.json({ pid: supervisor?.pid, tookMs })
  else terminal.print(supervisor ? `Stopped in ${(tookMs / 1000).toFixed(1)} s.` : 'Nothing is running.')
  return exitCodes.ok
}

/** Until the process itself is gone: the next `up` may come at once. */
async function stopAndWait(home: string, supervisor: ProcessIdentity): Promise<void> {
  await ask(home, 'POST', '/down')
  const deadline = performance.now() + deadlineMs
  while (isAlive(supervisor)) {
    if (performance.now() > deadline) {
      throw new CliError(`the supervisor (pid ${supervisor.pid}) has not stopped after ${deadlineMs / 1000} s`)
    }
    await delay(pollMs)
  }
}
