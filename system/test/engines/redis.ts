/** Redis, one server that writes to disk only when it is told to: Debian's package, or one that runs already (SVYAZ_TEST_REDIS_URL). */
import { createConnection } from 'node:net'
import { type Engine, freePorts, installed, startEngine, withoutProgram } from './engine.ts'
import { endEngine, Restartable } from './restartable.ts'

/** A server that a test may end, stop and start again. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string
  /** As a power cut would. */
  kill(): Promise<void>
  /** Again, with what it was told to save. */
  start(): Promise<void>
  /** It takes connections and bytes, and answers nothing. */
  pause(): void
  resume(): void
}

/** Why a test that ends or pauses its Redis is skipped, as node:test takes it. */
export const withoutOwnRedis = (): string | false => withoutProgram('redis-server')

/** Why a test that needs any Redis is skipped. */
export const withoutRedis = (): string | false => (given() === undefined ? withoutOwnRedis() : false)

/** The address of one that runs already, or of one that lives as long as the test. */
export async function anyRedis(): Promise<{ readonly url: string } & AsyncDisposable> {
  const url = given()
  return url === undefined ? startTestRedis() : { url, [Symbol.asyncDispose]: async () => undefined }
}

/**
 * A server of the test's own, on a free port of loopback.
 *
 * @param directory for what it saves; default: a temporary one of each start
 */
export async function startTestRedis(directory?: string): Promise<TestRedis> {
  const [port = 0] = await freePorts(1)
  const redis = new Restartable<Engine>({
    name: 'redis',
    start: () =>
      startEngine({
        name: 'redis',
        file: installed('redis-server')!,
        ...(directory === undefined ? {} : { directory }),
        args: (folder) => [
          ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
          ...['--save', '', '--appendonly', 'no', '--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'],
        ],
        ready: () => answersPing(port),
      }),
    end: endEngine,
  })
  const signal = (name: NodeJS.Signals) => redis.run && process.kill(redis.run.pid, name)
  await redis.start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start: () => redis.start(),
    kill: () => redis.end('SIGKILL'),
    pause: () => void signal('SIGSTOP'),
    resume: () => void signal('SIGCONT'),
    // A stopped process would not hear that it should end.
    [Symbol.asyncDispose]: () => redis.endForGood('SIGKILL'),
  }
}

const given = (): string | undefined => process.env.SVYAZ_TEST_REDIS_URL || undefined

const answersPing = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')))
    socket.once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString().startsWith('+PONG'))
    })
    socket.once('error', reject)
  })
