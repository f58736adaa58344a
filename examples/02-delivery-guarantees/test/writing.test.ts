/** The answer to a record is lost on the way: what is in the topic afterwards tells one kind of producer from the other. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Admin, Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka'
import { type Broker, startBroker } from '@svyaz/broker'
import { type LosingAnswers, losingAnswers } from './losing-answers.ts'

const folder = mkdtempSync(join(tmpdir(), 'svyaz-writing-'))
let broker: Broker
let wire: LosingAnswers

before(async () => {
  wire = await losingAnswers()
  broker = await startBroker({ directory: join(folder, 'broker'), port: 0, advertised: { port: wire.port } })
  wire.leadTo(broker.port)
})
after(async () => {
  await wire[Symbol.asyncDispose]()
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const bootstrapBrokers = () => [`127.0.0.1:${wire.port}`]

async function newTopic(name: string): Promise<string> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: bootstrapBrokers() })
  await admin.createTopics({ topics: [name], partitions: 1, replicas: 1 })
  await admin.close()
  return name
}

async function send(...words: string[]): Promise<void> {
  const program = join(import.meta.dirname, '..', 'src/send.ts')
  const child = spawn(process.execPath, ['--no-warnings', program, ...bootstrapBrokers(), ...words], {
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  assert.equal(code, 0)
}

/** Every record of a topic: [event id, value]. The last is a mark that is written after all others. */
async function recordsOf(topic: string): Promise<[string, string][]> {
  const mark = 'the end'
  await send(topic, 'plain', mark)
  const consumer = new Consumer({
    clientId: 'test',
    groupId: `reads-${topic}`,
    bootstrapBrokers: bootstrapBrokers(),
    deserializers: stringDeserializers,
    autocommit: false,
  })
  const found: [string, string][] = []
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxWaitTime: 100 })
  for await (const { value, headers } of stream) {
    if (value === mark) break
    found.push([headers.get('ce_id') ?? '', value])
  }
  await consumer.close(true)
  return found
}

test('with acks=0 the producer is content, and the record is nowhere', { timeout: 60_000 }, async () => {
  const topic = await newTopic('acks-0')
  const before = wire.lost
  wire.swallowNext()
  await send(topic, 'acks-0', 'payment', 'event 1')
  assert.equal(wire.lost, before + 1)
  assert.deepEqual(await recordsOf(topic), [])
})

test('a plain producer that hears no answer writes twice', { timeout: 60_000 }, async () => {
  const topic = await newTopic('plain')
  const before = wire.lost
  wire.loseNext()
  await send(topic, 'plain', 'payment', 'event 1')
  assert.equal(wire.lost, before + 1)
  assert.deepEqual(await recordsOf(topic), [
    ['event 1', 'payment'],
    ['event 1', 'payment'],
  ])
})

test('an idempotent producer that hears no answer asks again, and the record is there once', {
  timeout: 60_000,
}, async () => {
  const topic = await newTopic('idempotent')
  const before = wire.lost
  wire.loseNext()
  await send(topic, 'idempotent', 'payment', 'event 1')
  assert.equal(wire.lost, before + 1)
  assert.deepEqual(await recordsOf(topic), [['event 1', 'payment']])
})

test('a producer that restarts is another one: only the id of the event shows that it is the same', {
  timeout: 60_000,
}, async () => {
  const topic = await newTopic('restarted')
  for (let start = 0; start < 2; start++) await send(topic, 'idempotent', 'payment', 'event 1')
  assert.deepEqual(await recordsOf(topic), [
    ['event 1', 'payment'],
    ['event 1', 'payment'],
  ])
})
