import { setTimeout as delay } from 'node:timers/promises'
import type { Invocation } from './command.ts'
import { ask, supervisorPid } from './control-client.ts'
import { CliError, exitCodes } from './errors.ts'

/** Beyond the supervisor's own deadline for stopping. */
const deadlineMs = 15_000
const pollMs = 25

export async function down({ config, terminal, flags }: Invocation): Promise<number> {
  const startedMs = performance.now()
  const pid = supervisorPid(config.home)
  if (pid !== undefined) await stopAndWait(config.home)
  const tookMs = Math.round(performance.now() - startedMs)
  if (flags.json) terminal.json({ pid, tookMs })
  else terminal.print(pid === undefined ? 'Nothing is running.' : `Stopped in ${(tookMs / 1000).toFixed(1)} s.`)
  return exitCodes.ok
}

async function stopAndWait(home: string): Promise<void> {
  await ask(home, 'POST', '/down')
  const deadline = performance.now() + deadlineMs
  while (supervisorPid(home) !== undefined) {
    if (performance.now() > deadline) {
      throw new CliError(`the supervisor (pid ${supervisorPid(home)}) has not stopped after ${deadlineMs / 1000} s`)
    }
    await delay(pollMs)
  }
}
