/** Apache Kafka, three nodes that are broker and controller at once (KRaft), each a JVM that can be killed and started again. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import kafkajs from '../../../lab/observe/kafkajs.ts'
import { type Engine, enginesHome, freePorts, installed, startEngine } from './engine.ts'
import { endEngine, Restartable } from './restartable.ts'

export interface TestKafka extends AsyncDisposable {
  readonly brokers: readonly string[]
  /** Of a node that runs. */
  pid(node: number): number
  /** One of the nodes, `kill -9`. */
  kill(node: number): Promise<void>
  /** Again, on its data; resolves when it answers. */
  start(node: number): Promise<void>
}

const home = () => join(enginesHome(), 'kafka')

export const withoutKafka = (): string | false =>
  (!existsSync(join(home(), 'libs')) || !installed('java')) &&
  'Apache Kafka is not installed (docs/engines.md says how)'

/** @param count of nodes: one is a cluster without copies */
export async function startTestKafka(count = 3): Promise<TestKafka> {
  const nodes = Array.from({ length: count }, (_, index) => index + 1)
  const root = mkdtempSync(join(tmpdir(), 'svyaz-kafka-'))
  const ports = await freePorts(nodes.length * 2)
  const portOf = (node: number) => ports[node - 1]!
  const controllerOf = (node: number) => ports[nodes.length + node - 1]!
  const voters = nodes.map((node) => `${node}@127.0.0.1:${controllerOf(node)}`).join(',')
  const servers = new Map(
    nodes.map((node) => [node, serverOf(node, join(root, String(node)), `127.0.0.1:${portOf(node)}`)]),
  )
  const serverAt = (node: number) => {
    const server = servers.get(node)
    if (server === undefined) throw new Error(`there is no node ${node}`)
    return server
  }

  const dispose = async () => {
    // All at once: one after the other, the last ones would wait for a quorum.
    await Promise.all([...servers.values()].map((server) => server.endForGood('SIGTERM')))
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    for (const node of nodes) {
      mkdirSync(join(root, String(node)))
      const place = { node, port: portOf(node), controller: controllerOf(node), voters, copies: count }
      const settings = propertiesOf(place, join(root, String(node), 'log'))
      writeFileSync(join(root, String(node), 'server.properties'), settings)
      await format(join(root, String(node), 'server.properties'))
    }
    await Promise.all(nodes.map((node) => serverAt(node).start()))
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    brokers: nodes.map((node) => `127.0.0.1:${portOf(node)}`),
    pid: (node) => serverAt(node).run?.pid ?? 0,
    kill: (node) => serverAt(node).end('SIGKILL'),
    start: (node) => serverAt(node).start(),
    [Symbol.asyncDispose]: dispose,
  }
}

const serverOf = (node: number, directory: string, address: string): Restartable<Engine> =>
  new Restartable({
    name: `kafka-${node}`,
    start: () =>
      startEngine({
        name: `kafka-${node}`,
        file: installed('java')!,
        directory,
        args: () => [
          '-Xms384m',
          '-Xmx384m',
          '-XX:+UseSerialGC',
          `-Dlog4j2.configurationFile=${join(home(), 'config', 'log4j2-broker.properties')}`,
          '-cp',
          `${join(home(), 'libs')}/*`,
          'kafka.Kafka',
          join(directory, 'server.properties'),
        ],
        ready: () => describesCluster(address),
        timeoutMs: 240_000,
      }),
    end: endEngine,
  })

interface Node {
  readonly node: number
  readonly port: number
  readonly controller: number
  readonly voters: string
  readonly copies: number
}

const propertiesOf = ({ node, port, controller, voters, copies }: Node, logs: string): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': logs,
    // What the job does not ask for, it would get: so that a forgotten setting shows.
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': Math.min(copies, 2),
    'group.initial.rebalance.delay.ms': 0,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

const clusterId = 'MkU3OEVBNTcwNTJENDM2Qk'

async function format(properties: string): Promise<void> {
  const config = join(home(), 'config', 'log4j2-tools.properties')
  await promisify(execFile)(
    installed('java')!,
    [
      '-Xmx128m',
      `-Dlog4j2.configurationFile=${config}`,
      '-cp',
      `${join(home(), 'libs')}/*`,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      properties,
    ],
    { timeout: 60_000 },
  )
}

async function describesCluster(address: string): Promise<boolean> {
  const admin = new kafkajs.Kafka({
    clientId: 'svyaz-test',
    brokers: [address],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  }).admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length >= 1
  } finally {
    await admin.disconnect()
  }
}
