/** One node of Apache Kafka (KRaft) for the peers: its defaults, so acknowledged from the page cache. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { enginesHome, freePorts, installed, startEngine } from '@svyaz/system/testing/engine'
import { Kafka, logLevel } from 'kafkajs'

/** Apache Kafka in a folder of its own, for the stacks that the loop is compared with. */
export async function startKafka() {
  const java = installed('java')
  if (!java) throw new Error('the peers need Java and Apache Kafka 4 (docs/engines.md says how to install it)')
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
      '',
    ].join('\n'),
  )
  const classes = join(enginesHome(), 'kafka', 'libs', '*')
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
  const client = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
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
    createTopic: (topic: string) => admin.createTopics({ topics: [{ topic, numPartitions: 6 }], waitForLeaders: true }),
    async [Symbol.asyncDispose]() {
      await admin.disconnect()
      await engine[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
