/**
 * Real engines for tests: PostgreSQL, and a broker in a process of its own that can be killed. With SVYAZ_TEST_KAFKA
 * (host:port) the broker is an Apache Kafka that runs already; SVYAZ_TEST_KAFKA_CONTROL names a command that takes
 * `start` and `stop`, without which the tests that take the broker away are skipped.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startPostgres } from '../../../system/src/postgres/index.ts'

export interface TestPostgres extends AsyncDisposable {
  /** Makes a fresh database with a role of its own. */
  database(name: string): Promise<string>
  adminUrl: string
  stop(): Promise<void>
  /** Again, on the same port and data. */
  start(): Promise<void>
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-kit-postgres-'))
  // PostgreSQL's own account must be able to enter it.
  chmodSync(directory, 0o755)
  const options = { directory: join(directory, 'data'), host: '127.0.0.1', log: join(directory, 'postgres.log') }
  let engine = await startPostgres({ ...options, port: 0 })
  const { port, where, adminUrl } = engine
  return {
    adminUrl,
    async database(name) {
      const row = { name, role: name, password: 'test' }
      await engine.ensureDatabases([row])
      return engine.url(row)
    },
    stop: () => engine.stop(),
    async start() {
      engine = await startPostgres({ ...options, port })
    },
    async [Symbol.asyncDispose]() {
      await engine.stop()
      for (const place of [directory, where]) rmSync(place, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export interface TestBroker extends AsyncDisposable {
  address: string
  /** Undefined for a foreign Kafka, and while it is away. */
  readonly pid?: number | undefined
  /** False for a foreign Kafka without a control command. */
  controllable: boolean
  /** As a power cut would. */
  kill(): Promise<void>
  /** On the same port and data. */
  start(): Promise<void>
}

export async function startTestBroker(): Promise<TestBroker> {
  const foreign = process.env.SVYAZ_TEST_KAFKA
  return foreign ? foreignBroker(foreign, process.env.SVYAZ_TEST_KAFKA_CONTROL) : ownBroker()
}

async function ownBroker(): Promise<TestBroker> {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-kit-broker-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const broker: TestBroker = {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child?.pid
    },
    controllable: true,
    async kill() {
      if (!child) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      child = undefined
    },
    async start() {
      child = spawn(process.execPath, [join(import.meta.dirname, 'broker-process.ts'), directory, String(port)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const [line] = await Promise.race([once(createInterface(child.stdout!), 'line'), once(child, 'exit')])
      if (line !== 'ready') throw new Error(`the broker ended with ${line}`)
    },
    async [Symbol.asyncDispose]() {
      await broker.kill()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  await broker.start()
  return broker
}

function foreignBroker(address: string, control: string | undefined): TestBroker {
  const run = async (action: string) => {
    if (control) execFileSync(control, [action], { stdio: 'ignore' })
  }
  return {
    address,
    controllable: control !== undefined,
    kill: () => run('stop'),
    start: () => run('start'),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no free port')
  return address.port
}

export interface Member {
  child: ChildProcess
  /** Resolves with what the member says under this name. */
  says(name: string): Promise<unknown>
  /** Adds events `first … last` of a key, each in a transaction of its own. */
  add(key: string, first: number, last: number): void
  /** Resolves with the signal that ended it. */
  ended: Promise<string | null>
  stop(): Promise<void>
}

/** A service in a process of its own (member-process.ts), to be killed. */
export function startMember(options: object): Member {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'member-process.ts'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said: Record<string, unknown> = {}
  const waiting: (() => void)[] = []
  createInterface(child.stdout!).on('line', (line) => {
    Object.assign(said, JSON.parse(line))
    for (const look of waiting) look()
  })
  // A member that was killed does not read what it is told.
  child.stdin!.on('error', () => {})
  const ended = new Promise<string | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  return {
    child,
    ended,
    says: (name) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (name in said) resolve(said[name])
        }
        waiting.push(look)
        look()
        void ended.then((signal) => reject(new Error(`the member ended (${signal}) before it said ${name}`)))
      }),
    add: (key, first, last) => void child.stdin!.write(`${JSON.stringify({ key, first, last })}\n`),
    async stop() {
      child.stdin!.end()
      await ended
    },
  }
}
