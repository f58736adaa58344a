import { type FlagTable, type FlagValues, helpText, parseFlags } from './flags.ts'

export type LogLevel = 'info' | 'warn' | 'error'
/** Writes one line; `fields` become members of its JSON object. */
export type Log = (level: LogLevel, msg: string, fields?: Readonly<Record<string, unknown>>) => void

/** A running process body: addresses for the "listening" line, and an orderly end. */
export type Running = AsyncDisposable & { readonly addresses: Readonly<Record<string, string | number>> }

/** One JSON object a line, so that text from outside can't forge a second line. */
export function jsonLog(service: string, write: (line: string) => void, now: () => Date): Log {
  return (level, msg, fields) =>
    write(`${JSON.stringify({ time: now().toISOString(), level, msg, service, ...fields })}\n`)
}

const stopFlags = {
  'stop-on-stdin-end': {
    kind: 'switch',
    about: 'stop when standard input closes (the starter has gone)',
    default: false,
  },
  help: { kind: 'switch', about: 'show this text', default: false },
} as const

const secondSignalAfterMs = 1_000

/**
 * Runs a process from its command line: 2 for wrong flags (all named), 1 with one clear line when it can't start,
 * 0 after SIGTERM, SIGINT or the end of standard input. A second signal more than a second later ends at once.
 */
export async function runCommand<const T extends FlagTable>(command: {
  readonly service: string
  readonly about: string
  readonly flags: T
  readonly start: (values: FlagValues<T>, log: Log) => Promise<Running>
}): Promise<void> {
  const table = { ...command.flags, ...stopFlags }
  const { values, faults } = parseFlags<typeof table>(table, process.argv.slice(2))
  if (values.help) {
    process.stdout.write(helpText(command.service, command.about, table))
    return
  }
  if (faults.length > 0) {
    process.stderr.write(faults.map((fault) => `${command.service}: ${fault}\n`).join(''))
    process.exitCode = 2
    return
  }
  const log = jsonLog(
    command.service,
    (line) => process.stdout.write(line),
    () => new Date(),
  )
  // Before anything is started: whoever reads "listening" may send a signal at once.
  const stop = stopRequested(values['stop-on-stdin-end'] === true)
  let running: Running
  try {
    running = await command.start(values as unknown as FlagValues<T>, log)
  } catch (error) {
    const message = explainStartFailure(error)
    log('error', message)
    process.stderr.write(`${command.service}: ${message}\n`)
    // Standard input is open, and a start that failed may have left more: whoever waits for the end must have it.
    process.exit(1)
  }
  log('info', 'listening', { pid: process.pid, ...running.addresses })
  log('info', 'stopping', { reason: await stop })
  try {
    await running[Symbol.asyncDispose]()
    log('info', 'stopped')
    process.exit(0)
  } catch (error) {
    log('error', 'stopped with an error', { error: String(error) })
    process.exit(1)
  }
}

/** Resolves with why to end. A second signal, more than a second after the first, ends the process at once. */
function stopRequested(stdinToo: boolean): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let firstAtMs: number | undefined
  const stop = (reason: string) => {
    if (firstAtMs !== undefined && performance.now() - firstAtMs > secondSignalAfterMs) process.exit(1)
    firstAtMs ??= performance.now()
    resolve(reason)
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  if (stdinToo) {
    process.stdin.on('error', () => stop('stdin failed'))
    process.stdin.on('close', () => stop('stdin ended'))
    process.stdin.on('end', () => stop('stdin ended'))
    process.stdin.resume()
  }
  return promise
}

/** Turns what the system reports into a sentence that says what to do; never a stack. */
export function explainStartFailure(error: unknown): string {
  const fault = error as NodeJS.ErrnoException & { port?: number; address?: string }
  if (fault?.code === 'EADDRINUSE')
    return `port ${fault.port} on ${fault.address} is taken by another process: free it or choose another port by flag (see --help)`
  if (fault?.code === 'EACCES' && fault.port !== undefined)
    return `port ${fault.port} may not be opened by this user: choose one above 1023`
  if (fault?.code === 'EADDRNOTAVAIL') return `this machine has no address ${fault.address}: correct --host`
  return error instanceof Error ? error.message : String(error)
}
