/** One step of what the images are made of: bounded in time, says how it goes on, and keeps all that it writes in a log. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { lastLine, NotPrepared } from './outcome.ts'

export interface Step {
  /** As a person knows it, such as `images/go.sh`. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  /** Where all that it writes is kept: with a compiler's hundreds of lines on the terminal the last one is lost. */
  readonly log: string
  /** Then it is ended, with everything that it started. */
  readonly secondsMax: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** How often it says what it last wrote, in seconds; default 30. */
  readonly everySeconds?: number
}

const stopMs = 5_000

/**
 * Runs it to its end.
 * @param say takes one line for the terminal
 * @throws NotPrepared when it fails, or isn't through in its time
 */
export async function runStep(step: Step, say: (line: string) => void): Promise<void> {
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1_000)
  const written = () => readFileSync(step.log, 'utf8')
  say(`${step.name} …`)
  mkdirSync(dirname(step.log), { recursive: true })
  const output = openSync(step.log, 'w')
  // A group of its own, so that its end is the end of the compilers and downloads below it too.
  const child = spawn(step.program, step.args, {
    cwd: step.cwd,
    env: { ...process.env, ...step.env },
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  const interrupted = (signal: NodeJS.Signals) => {
    endGroup(child.pid, 'SIGKILL')
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  const progress = setInterval(
    () => say(`${step.name}: ${seconds()} s, ${lastLine(written()) ?? 'nothing written yet'}`),
    (step.everySeconds ?? 30) * 1_000,
  )
  let late = false
  const limit = setTimeout(() => {
    late = true
    endGroup(child.pid, 'SIGTERM')
    setTimeout(() => endGroup(child.pid, 'SIGKILL'), stopMs).unref()
  }, step.secondsMax * 1_000)
  const status = await new Promise<number | null | Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', resolve)
  })
  clearInterval(progress)
  clearTimeout(limit)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted)
  if (late)
    throw new NotPrepared(step.name, `not through within ${step.secondsMax} s, at: ${lastLine(written())}`, step.log)
  if (status !== 0)
    throw new NotPrepared(step.name, `${written()}\n${status instanceof Error ? status.message : ''}`, step.log)
  say(`${step.name}: ${seconds()} s`)
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}
