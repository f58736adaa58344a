/**
 * What one record costs over each transport: CPU of the client (it sends and reads) and of the server, by the kernel's own
 * counters, so that other work on the machine matters little; and what the server holds in memory. A record is 500 bytes
 * with an event's headers, six partitions, one group; each is confirmed, read and acknowledged.
 * `npm run bench:transports [-- --records 20000 --rounds 3]` writes lab/bench/results/transports.json; what isn't installed is left out.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { programOf } from '../../../lab/observe/program.ts'
import { startTestKafka, withoutKafka } from '../../../system/test/engines/kafka.ts'
import { startTestRabbit, withoutRabbit } from '../../../system/test/engines/rabbitmq.ts'
import { createKafkaTransport } from '../src/messaging/kafka/transport.ts'
import { createRabbitTransport } from '../src/messaging/rabbitmq/transport.ts'
import type { OutgoingRecord, Transport, TransportTopic } from '../src/messaging/transport.ts'
import { testCore, until } from './core-fixture.ts'
import { startTestBroker } from './engines.ts'

interface Candidate {
  readonly name: string
  readonly without?: string | false
  start(): Promise<AsyncDisposable & { readonly pid: number; open(topic: TransportTopic): Transport }>
}

interface Figures {
  readonly batch: number
  /** Microseconds of CPU for each record, over all rounds. */
  readonly clientMicros: number[]
  readonly serverMicros: number[]
}

const { values } = programOf({
  command: 'npm run bench:transports --',
  about: 'What one record costs over the embedded broker, Apache Kafka and RabbitMQ, as far as they are installed.',
  options: {
    records: { takes: 'n', range: { min: 100, max: 10_000_000 }, default: 20_000, about: 'sent in each round' },
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 3, about: 'each transport once in each' },
  },
})
const { records: recordsMax, rounds } = values

const candidates: readonly Candidate[] = [
  {
    name: 'embedded broker',
    async start() {
      const broker = await startTestBroker()
      const open = () => createKafkaTransport(testCore({ kafkaBrokers: [broker.address] }))
      return { pid: broker.pid ?? 0, open, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
    },
  },
  {
    name: 'Apache Kafka 4.3.1, one node',
    without: withoutKafka(),
    async start() {
      const kafka = await startTestKafka(1)
      const open = () => createKafkaTransport(testCore({ kafkaBrokers: kafka.brokers }))
      return { pid: kafka.pid(1), open, [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose]() }
    },
  },
  ...(['classic', 'quorum'] as const).map(
    (queues): Candidate => ({
      name: `RabbitMQ 3.10.8, one node, ${queues} queues`,
      without: withoutRabbit(),
      async start() {
        const rabbit = await startTestRabbit()
        const environment = { rabbitmqUrl: rabbit.url, rabbitmqQueues: queues }
        const open = (topic: TransportTopic) => createRabbitTransport(testCore(environment), [topic])
        return { pid: rabbit.pid, open, [Symbol.asyncDispose]: () => rabbit[Symbol.asyncDispose]() }
      },
    }),
  ),
]

/** CPU of a process so far, user and system, in microseconds (proc(5): fields 14 and 15, in hundredths of a second). */
const cpuMicrosOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** Proportional set size in MB. */
const memoryOf = (pid: number): number =>
  Math.round(Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1_024)

const recordsOf = (topic: string, from: number, count: number): OutgoingRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    topic,
    key: `key-${(from + index) % 50}`,
    value: Buffer.alloc(500, 'x'),
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_type: 'order.created',
      ce_source: '/orders',
      ce_time: new Date().toISOString(),
      'content-type': 'application/json',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  }))

/** Sends in batches, one after the other, and waits until the last record was handled. */
async function round(transport: Transport, topic: string, handled: () => number, count: number, batch: number) {
  const before = handled()
  for (let sent = 0; sent < count; sent += batch) await transport.send(recordsOf(topic, sent, batch))
  await until('all to be handled', () => handled() - before >= count, 300_000)
}

async function measure(candidate: Candidate): Promise<{ figures: Figures[]; idleMb: number; endMb: number }> {
  await using server = await candidate.start()
  const topic = { name: `bench.${randomUUID().slice(0, 8)}`, partitions: 6, groups: ['bench'] }
  const transport = server.open(topic)
  await transport.ensureTopics([topic], AbortSignal.timeout(60_000))
  let handled = 0
  const handle = {
    recordsMax: 64,
    async together(records: readonly unknown[]) {
      handled += records.length
    },
  }
  const consumption = transport.consume({ group: 'bench', topics: [topic.name], handle })
  await round(transport, topic.name, () => handled, 1_000, 50)
  const idleMb = memoryOf(server.pid)
  const figures: Figures[] = []
  for (const [batch, count] of [
    [50, recordsMax],
    [1, Math.round(recordsMax / 20)],
  ] as const) {
    const row: Figures = { batch, clientMicros: [], serverMicros: [] }
    for (let n = 0; n < rounds; n++) {
      const [client, other] = [process.cpuUsage(), cpuMicrosOf(server.pid)]
      await round(transport, topic.name, () => handled, count, batch)
      const { user, system } = process.cpuUsage(client)
      row.clientMicros.push(Math.round((user + system) / count))
      row.serverMicros.push(Math.round((cpuMicrosOf(server.pid) - other) / count))
    }
    figures.push(row)
  }
  const endMb = memoryOf(server.pid)
  await consumption.stop(5_000)
  await transport.close()
  return { figures, idleMb, endMb }
}

const results: Record<string, unknown> = {}
for (const candidate of candidates) {
  if (candidate.without) {
    process.stdout.write(`${candidate.name}: left out, ${candidate.without}\n`)
    continue
  }
  const measured = await measure(candidate)
  results[candidate.name] = measured
  for (const { batch, clientMicros, serverMicros } of measured.figures)
    process.stdout.write(
      `${candidate.name}, ${batch} at once: client ${clientMicros.join(', ')} µs, server ${serverMicros.join(', ')} µs a record; ${measured.idleMb} → ${measured.endMb} MB\n`,
    )
}
const file = join(import.meta.dirname, '../../../lab/bench/results/transports.json')
const machine = `${cpus().length} cores of ${cpus()[0]?.model}, shared with other work`
const about = { command: 'npm run bench:transports', at: new Date().toISOString(), node: process.version, machine }
writeFileSync(file, `${JSON.stringify({ ...about, recordsMax, rounds, results }, null, 2)}\n`)
