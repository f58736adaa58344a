/** The command: reads its flags, starts the broker, ends it in good order. */
import { readFileSync } from 'node:fs'
import { DirectoryInUse } from '@svyaz/stage/directory-lock'
import { acceptLoss } from './accept-loss.ts'
import { type CommandSettings, helpText, readCommandLine } from './command-line.ts'
import { startBroker } from './index.ts'
import { DamagedLog } from './log/errors.ts'
import { jsonLogger } from './logger.ts'
import { startManagement } from './management.ts'

const packageFile = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }

const SECOND_SIGNAL_AFTER_MS = 1_000

/** Runs the command to its end; gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const commandLine = readCommandLine(args)
  switch (commandLine.kind) {
    case 'help':
      process.stdout.write(helpText())
      return 0
    case 'version':
      process.stdout.write(`${version}\n`)
      return 0
    case 'wrong':
      for (const fault of commandLine.faults) process.stderr.write(`svyaz-broker: ${fault}\n`)
      process.stderr.write('svyaz-broker: see --help\n')
      return 2
    case 'run':
      return await (commandLine.settings.acceptLoss ? mend : run)(commandLine.settings)
  }
}

async function mend({ dataDirectory }: CommandSettings): Promise<number> {
  try {
    const lost = await acceptLoss(dataDirectory)
    process.stdout.write(lost.length === 0 ? 'nothing is damaged: nothing was changed\n' : `${lost.join('\n')}\n`)
    return 0
  } catch (error) {
    const { message } = named(error, '--data-dir', '', 0) as Error
    process.stderr.write(`svyaz-broker: ${message}\n`)
    return 1
  }
}

async function run(settings: CommandSettings): Promise<number> {
  const logger = jsonLogger((line) => process.stdout.write(line), settings.verbose ? 'debug' : 'info')
  // Before anything is started: whoever reads "listening" may send a signal at once.
  const stop = reasonToStop(settings.stopOnStdinEnd)
  try {
    await using broker = await startBroker({
      host: settings.host,
      port: settings.port,
      directory: settings.dataDirectory,
      advertised: {
        ...(settings.advertisedHost !== null && { host: settings.advertisedHost }),
        ...(settings.advertisedPort !== null && { port: settings.advertisedPort }),
      },
      defaultPartitions: settings.partitions,
      autoCreateTopics: settings.autoCreateTopics,
      logger,
    }).catch((error: unknown) => {
      throw named(error, '--port', settings.host, settings.port)
    })
    await using management =
      settings.managementPort === null
        ? null
        : await startManagement(broker, version, settings.host, settings.managementPort, logger).catch(
            (error: unknown) => {
              throw named(error, '--management-port', settings.host, settings.managementPort ?? 0)
            },
          )
    logger.info('listening', {
      host: broker.host,
      port: broker.port,
      advertised: broker.parts.advertised,
      managementPort: management?.port ?? null,
      clusterId: broker.clusterId,
      directory: settings.dataDirectory,
      version,
    })
    logger.info('stopping', { reason: await stop })
    management?.stopping()
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error
    process.stderr.write(`svyaz-broker: ${error.message}\n`)
    return 1
  }
  logger.info('stopped')
  return 0
}

/** Something outside is in the way: said in one line, without a stack. */
class CannotStart extends Error {
  override readonly name = 'CannotStart'
}

const wayOut =
  'Nothing was changed: restore the directory from a backup, or run once with --accept-loss to give up what is lost'

const addressFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a known host',
}

function named(error: unknown, flag: string, host: string, port: number): unknown {
  if (error instanceof DirectoryInUse) return new CannotStart(`--data-dir: ${error.message}`)
  if (error instanceof DamagedLog) return new CannotStart(`--data-dir: ${error.message}. ${wayOut}`)
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  const addressFault = syscall === 'listen' || syscall === 'getaddrinfo' ? addressFaults[code] : undefined
  if (addressFault !== undefined) return new CannotStart(`${flag}: ${host}:${port} ${addressFault}`)
  return new CannotStart(`--data-dir: ${message}`)
}

/** Resolves with why to end. A second signal, more than a second after the first, ends the process at once. */
function reasonToStop(stopOnStdinEnd: boolean): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | null = null
    const onSignal = (signal: string) => {
      const now = performance.now()
      if (firstAt !== null && now - firstAt > SECOND_SIGNAL_AFTER_MS) process.exit(1)
      firstAt ??= now
      resolve(signal)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    if (!stopOnStdinEnd) return
    process.stdin.on('end', () => resolve('standard input ended'))
    process.stdin.on('error', () => resolve('standard input failed'))
    process.stdin.resume()
  })
}

// Run as a program (by the supervisor); the command in bin/ calls `main` itself.
if (import.meta.main) {
  // Standard input may still be open, and so may be a client that came before a start that failed.
  process.exit(await main(process.argv.slice(2)))
}
