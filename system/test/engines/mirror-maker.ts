/** MirrorMaker 2 between two clusters, a JVM of its own, by the file that production gets (deploy/mirrormaker). */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from '../../../lab/observe/kafkajs.ts'
import { type Engine, enginesHome, installed, startEngine } from './engine.ts'

const libraries = () => join(enginesHome(), 'kafka', 'libs')
const properties = join(import.meta.dirname, '..', '..', '..', 'deploy', 'mirrormaker', 'mm2.properties')

/** The reason to skip, beside that of Kafka itself; its jars lie with Kafka's. */
export const withoutMirrorMaker = (): string | false =>
  (!existsSync(libraries()) || !readdirSync(libraries()).some((name) => /^connect-mirror-\d/.test(name))) &&
  'MirrorMaker 2 is not installed (docs/engines.md says how)'

/** What a test changes of the file: addresses, copies of clusters of one node, and pauses made for days. */
export function forTest(text: string, main: readonly string[], standby: readonly string[]): string {
  return text
    .replace(/^(main\.bootstrap\.servers) = .*$/m, `$1 = ${main.join()}`)
    .replace(/^(standby\.bootstrap\.servers) = .*$/m, `$1 = ${standby.join()}`)
    .replaceAll(/^(\S*replication\.factor) = \d+$/gm, '$1 = 1')
    .replaceAll(/^(\S*interval\.seconds) = \d+$/gm, '$1 = 1')
}

/**
 * Copies from `main` to `standby`; resolves when its connectors are at work, which write heartbeats.
 *
 * @param main `host:port` of some brokers, as `standby`
 * @throws Error with its last words when it ends or takes too long
 */
export async function startMirrorMaker(main: readonly string[], standby: readonly string[]): Promise<Engine> {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-mirror-maker-'))
  const file = join(directory, 'mm2.properties')
  // It has no REST interface then, and takes no port.
  writeFileSync(file, forTest(readFileSync(properties, 'utf8'), main, standby))
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  const log = join(enginesHome(), 'kafka', 'config', 'log4j2-tools.properties')
  const classPath = join(libraries(), '*')
  try {
    const engine = await startEngine({
      name: 'mirror-maker',
      file: installed('java')!,
      directory,
      args: () => [
        '-Xms256m',
        '-Xmx384m',
        '-XX:+UseSerialGC',
        `-Dlog4j2.configurationFile=${log}`,
        '-cp',
        classPath,
        'org.apache.kafka.connect.mirror.MirrorMaker',
        file,
      ],
      ready: () => hasHeartbeats(standby),
      timeoutMs: 240_000,
    })
    return {
      pid: engine.pid,
      kill: engine.kill,
      async [Symbol.asyncDispose]() {
        await engine[Symbol.asyncDispose]()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

async function hasHeartbeats(brokers: readonly string[]): Promise<boolean> {
  const kafka = new kafkajs.Kafka({
    clientId: 'svyaz-test',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    if (!(await admin.listTopics()).includes('heartbeats')) return false
    return (await admin.fetchTopicOffsets('heartbeats')).some(({ high }) => Number(high) > 0)
  } finally {
    await admin.disconnect()
  }
}
