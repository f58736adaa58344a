/**
 * A real engine for a test: found where it is installed, started on free ports with its data in a temporary folder, ended
 * with the test. docs/engines.md says how each is installed. What is not there is told in one sentence, for a skipped test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { until } from '../../../lab/observe/until.ts'

/** Folder of the engines: `bin/` with programs, `kafka/` with Kafka's `libs/`. */
export const enginesHome = (): string => process.env.ENGINES_HOME ?? join(homedir(), '.cache', 'engines')

/** Path of an installed program, there or on the PATH. */
export function installed(program: string): string | undefined {
  const places = [join(enginesHome(), 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  return places.map((place) => join(place, program)).find((path) => existsSync(path))
}

/** The reason to skip when one of the programs is missing, as node:test takes it. */
export const withoutProgram = (...programs: string[]): string | false => {
  const missing = programs.filter((program) => !installed(program))
  return missing.length > 0 && `not installed: ${missing.join(', ')} (docs/engines.md says how)`
}

export interface Engine extends AsyncDisposable {
  readonly pid: number
  /** As a power cut would. */
  kill(): Promise<void>
}

export interface EnginePlan {
  readonly name: string
  readonly file: string
  /** @param directory a temporary folder of its own */
  readonly args: (directory: string) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Throws, or gives false, while it can't do its work yet. */
  readonly ready: () => Promise<unknown>
  readonly timeoutMs?: number
  /** Data that outlive this run of it; default: a temporary folder of its own, removed at the end. */
  readonly directory?: string
}

/** Starts it and waits until it answers. @throws Error with its last words when it ends or takes too long. */
export async function startEngine(plan: EnginePlan): Promise<Engine> {
  const directory = plan.directory ?? mkdtempSync(join(tmpdir(), `svyaz-${plan.name}-`))
  const log = join(directory, 'output.log')
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" >"$OUTPUT" 2>&1', plan.file, ...plan.args(directory)], {
    env: { ...process.env, ...plan.env, OUTPUT: log },
    stdio: 'ignore',
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // Whatever ends this process, its engines end too.
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await Promise.race([gone, once(AbortSignal.timeout(15_000), 'abort')])
      child.kill('SIGKILL')
      await gone
    }
    process.off('exit', onExit)
  }
  const dispose = async () => {
    await end('SIGTERM')
    if (plan.directory === undefined) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await until(
      `${plan.name} to answer`,
      async () => {
        if (ended(child)) return true
        return (await plan.ready()) !== false
      },
      { timeoutMs: plan.timeoutMs ?? 30_000, everyMs: 50 },
    )
    if (ended(child)) throw new Error(`${plan.name} ended at once`)
  } catch (error) {
    const words = existsSync(log) ? readFileSync(log, 'utf8').slice(-2_000) : ''
    await dispose()
    throw new Error(`${plan.name} did not start: ${String(error)}\n${words}`)
  }
  return { pid: child.pid ?? 0, kill: () => end('SIGKILL'), [Symbol.asyncDispose]: dispose }
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Ports that are free at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** A look at an HTTP address: rejects while it does not answer with 2xx. */
export async function answers(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
  return text
}
