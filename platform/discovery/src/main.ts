/** The command `svyaz-discovery`. */
import { systemClock } from './clock.ts'
import { type CommandLine, parseCommandLine, usage } from './command-line.ts'
import { startDiscovery } from './index.ts'
import { createLog } from './log.ts'

/** A second signal within this time belongs to the first: a terminal and a supervisor may both send it. */
const secondSignalAfterMs = 1000

const parsed = parseCommandLine(process.argv.slice(2))
if (parsed.kind === 'help') {
  process.stdout.write(usage)
} else if (parsed.kind === 'faults') {
  process.stderr.write(`${parsed.faults.map((fault) => `svyaz-discovery: ${fault}\n`).join('')}See --help.\n`)
  process.exitCode = 2
} else {
  await run(parsed.commandLine)
}

async function run(commandLine: CommandLine): Promise<void> {
  const { port, host, dataDirectory, allowedHosts, nodeName } = commandLine
  const log = createLog((line) => process.stdout.write(line), systemClock)
  // Whoever read our log may be gone first; that must not look like a crash.
  process.stdout.on('error', () => undefined)
  const stop = stopRequested(commandLine.stopOnStdinEnd)
  try {
    await using _discovery = await startDiscovery({
      port,
      host,
      directory: dataDirectory,
      allowedHosts,
      log,
      ...(nodeName === null ? {} : { nodeName }),
    })
    // An open handle of our own: the timers of the clock do not keep the process.
    log.info('stopping', { reason: await stop })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const text =
      code === 'EADDRINUSE'
        ? `port ${port} on ${host} is taken by another process; choose another with --port`
        : code === 'EACCES' || code === 'EADDRNOTAVAIL'
          ? `cannot start on ${host}:${port} with ${dataDirectory}: ${message}`
          : message
    log.error('could not run', { error: text })
    process.stderr.write(`svyaz-discovery: ${text}\n`)
    process.exitCode = 1
  }
  process.stdin.destroy()
}

/** Resolves with what asked for the stop. A second signal, later than a moment after the first, ends the process at once. */
function stopRequested(onStdinEnd: boolean): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let firstMs: number | null = null
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const nowMs = systemClock.nowMs()
      if (firstMs !== null && nowMs - firstMs > secondSignalAfterMs) process.exit(1)
      firstMs ??= nowMs
      resolve(signal)
    })
  }
  if (onStdinEnd) {
    process.stdin.on('end', () => resolve('standard input ended'))
    process.stdin.on('error', () => resolve('standard input failed'))
    process.stdin.resume()
  }
  return promise
}
