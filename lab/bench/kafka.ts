/** One node of Apache Kafka (KRaft) for the peers: its defaults, so acknowledged from the page cache, unless told otherwise. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import kafkajs from '@svyaz/observe/kafkajs.ts'
import { enginesHome, freePorts, installed, startEngine } from '@svyaz/system/testing/engine'

/** Apache Kafka's jars, and the Java that runs them. */
const jars = () => join(enginesHome(), 'kafka', 'libs')

/** Why no Kafka can be started here, in words for a skipped run or test; false where one can. */
export const withoutKafka = (): string | false => {
  const missing = [installed('java') ? [] : ['java'], existsSync(jars()) ? [] : [`Apache Kafka in ${jars()}`]].flat()
  return missing.length > 0 && `not installed: ${missing.join(', ')} (docs/engines.md says how)`
}

/** Lines of server.properties with which a record is on disk before it is acknowledged. */
export const syncedLog = ['log.flush.interval.messages=1'] as const

/**
 * Apache Kafka in a folder of its own, for the stacks that ours is compared with.
 * @param more lines of server.properties
 * @throws Error that names what isn't installed
 */
export async function startKafka(more: readonly string[] = []) {
  const reason = withoutKafka()
  if (reason) throw new Error(`the peers need Java and Apache Kafka 4; ${reason}`)
  const java = installed('java')!
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-bench-kafka-'))
  const [port, controllerPort] = (await freePorts(2)) as [number, number]
  const address = `127.0.0.1:${port}`
  const settings = join(directory, 'server.properties')
  writeFileSync(
    settings,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://${address}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      `log.dirs=${join(directory, 'log')}`,
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=8',
      'group.initial.rebalance.delay.ms=0',
      'auto.create.topics.enable=false',
      ...more,
      '',
    ].join('\n'),
  )
  const classes = join(jars(), '*')
  await promisify(execFile)(java, [
    '-cp',
    classes,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'MkU3OEVBNTcwNTJENDM2Qk',
    '-c',
    settings,
  ])
  const client = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } })
  const admin = client.admin()
  const engine = await startEngine({
    name: 'kafka',
    file: java,
    directory,
    args: () => ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-cp', classes, 'kafka.Kafka', settings],
    ready: () => admin.connect(),
    timeoutMs: 90_000,
  })
  return {
    address,
    pid: engine.pid,
    createTopic: (topic: string) => admin.createTopics({ topics: [{ topic, numPartitions: 6 }], waitForLeaders: true }),
    async [Symbol.asyncDispose]() {
      await admin.disconnect()
      await engine[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
