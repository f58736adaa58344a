/** RabbitMQ, one node with its data in a temporary folder: Debian's package, or one in the folder of the engines. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/observe/until.ts'
import { type Engine, enginesHome, freePorts, installed, startEngine } from './engine.ts'
import { Restartable } from './restartable.ts'

export interface TestRabbit extends AsyncDisposable {
  readonly url: string
  /** Of the Erlang machine. */
  readonly pid: number
  /** As a power cut would. */
  kill(): Promise<void>
  /** As an operator does. */
  stop(): Promise<void>
  /** Again, on its data; resolves when it answers. */
  start(): Promise<void>
}

/** Not the one on the PATH: Debian's changes to a user of its own. */
const server = (): string | undefined =>
  [join(enginesHome(), 'rabbitmq', 'sbin'), '/usr/lib/rabbitmq/bin', '/opt/rabbitmq/sbin']
    .map((folder) => join(folder, 'rabbitmq-server'))
    .find((path) => existsSync(path))

export const withoutRabbit = (): string | false =>
  (server() === undefined || !installed('epmd')) && 'RabbitMQ is not installed (docs/engines.md says how)'

export async function startTestRabbit(): Promise<TestRabbit> {
  const root = mkdtempSync(join(tmpdir(), 'svyaz-rabbitmq-'))
  const [amqp = 0, distribution = 0, names = 0] = await freePorts(3)
  const epmd = spawn(installed('epmd')!, ['-port', String(names), '-address', '127.0.0.1'], { stdio: 'ignore' })
  const env = environmentOf(root, { amqp, distribution, names })
  const start = async (): Promise<{ engine: Engine; erlang: number }> => {
    const engine = await startEngine({
      name: 'rabbitmq',
      file: server()!,
      directory: root,
      args: () => [],
      env,
      ready: () => greets(amqp),
      timeoutMs: 120_000,
    })
    // The script stays as a shell that waits for the Erlang machine.
    return { engine, erlang: Number(readFileSync(env.RABBITMQ_PID_FILE!, 'utf8')) }
  }
  const rabbit = new Restartable({
    name: 'rabbitmq',
    start,
    async end({ engine, erlang }, signal) {
      signalTo(erlang, signal)
      await gone(erlang)
      await engine.kill()
    },
  })
  const onExit = () => rabbit.run && signalTo(rabbit.run.erlang, 'SIGKILL')
  process.once('exit', onExit)
  const dispose = async () => {
    await rabbit.endForGood('SIGKILL')
    process.off('exit', onExit)
    await ended(epmd)
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await rabbit.start()
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    url: `amqp://svyaz:svyaz@127.0.0.1:${amqp}`,
    get pid() {
      return rabbit.run?.erlang ?? 0
    },
    kill: () => rabbit.end('SIGKILL'),
    stop: () => rabbit.end('SIGTERM'),
    start: () => rabbit.start(),
    [Symbol.asyncDispose]: dispose,
  }
}

/** Everything of it in one folder and on loopback; neither /etc nor a name of the machine is looked at. */
function environmentOf(
  root: string,
  ports: { amqp: number; distribution: number; names: number },
): Record<string, string> {
  const settings = {
    'listeners.tcp.default': `127.0.0.1:${ports.amqp}`,
    default_user: 'svyaz',
    default_pass: 'svyaz',
    'log.console': 'true',
    'log.file': 'false',
    'disk_free_limit.absolute': '50MB',
    'vm_memory_high_watermark.absolute': '512MB',
  }
  const place = (name: string) => join(root, name)
  writeFileSync(
    place('rabbitmq.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  )
  writeFileSync(place('advanced.config'), '[].\n')
  writeFileSync(place('enabled_plugins'), '[].\n')
  mkdirSync(place('log'))
  return {
    HOME: root,
    ERL_EPMD_PORT: String(ports.names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `svyaz-${ports.amqp}@localhost`,
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_MNESIA_BASE: place('data'),
    RABBITMQ_LOG_BASE: place('log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: place('erlang.pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: place('rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: place('advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: place('enabled_plugins'),
    RABBITMQ_PLUGINS_EXPAND_DIR: place('expanded'),
  }
}

/** Whether it answers AMQP's first eight bytes with a frame (AMQP 0-9-1, 2.2.4). */
async function greets(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]))
    const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })) as [Buffer]
    return bytes[0] === 1
  } finally {
    socket.destroy()
  }
}

function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  await until('the Erlang machine to end', () => !signalTo(pid, 0), { timeoutMs: 60_000, everyMs: 50 })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
