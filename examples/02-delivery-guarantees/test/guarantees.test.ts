/** Each program is killed between effect and commit, and started again: what it promises is what is there. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Admin, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { type Broker, startBroker } from '@svyaz/broker'

const payments = ['first', 'second', 'third', 'fourth']
const topic = 'payments'
const folder = mkdtempSync(join(tmpdir(), 'svyaz-guarantees-'))
let broker: Broker

before(async () => {
  broker = await startBroker({ directory: join(folder, 'broker'), port: 0 })
  const bootstrapBrokers = [`127.0.0.1:${broker.port}`]
  const admin = new Admin({ clientId: 'test', bootstrapBrokers })
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
  await admin.close()
  // acks all and an idempotent producer: what it is told is there is there, once per producer.
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers,
    serializers: stringSerializers,
    idempotent: true,
    acks: ProduceAcks.ALL,
  })
  for (const value of payments)
    await producer.send({ messages: [{ topic, key: 'order', value, headers: { ce_id: `id of ${value}` } }] })
  await producer.close()
})
after(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a program; resolves with the signal that ended it. */
async function run(program: string, file: string, dieAt = ''): Promise<string | null> {
  const source = join(import.meta.dirname, '..', 'src', program)
  const child = spawn(
    process.execPath,
    ['--no-warnings', source, `127.0.0.1:${broker.port}`, topic, file, String(payments.length), dieAt],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.ok(signal !== null || code === 0, `${program} ended with ${code}`)
  return signal
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n')

test('at most once: the payment under way at the crash is lost, none is made twice', { timeout: 60_000 }, async () => {
  const file = join(folder, 'at-most-once')
  assert.equal(await run('at-most-once.ts', file, 'third'), 'SIGKILL')
  assert.equal(await run('at-most-once.ts', file), null)
  assert.deepEqual(linesOf(file), ['first', 'second', 'fourth'])
})

test('at least once: the payment under way at the crash is made twice, none is lost', { timeout: 60_000 }, async () => {
  const file = join(folder, 'at-least-once')
  assert.equal(await run('at-least-once.ts', file, 'third'), 'SIGKILL')
  assert.equal(await run('at-least-once.ts', file), null)
  assert.deepEqual(linesOf(file), ['first', 'second', 'third', 'third', 'fourth'])
})

test('effectively once: each payment is made once, whatever happens in between', { timeout: 60_000 }, async () => {
  const file = join(folder, 'effectively-once.sqlite')
  assert.equal(await run('effectively-once.ts', file, 'third'), 'SIGKILL')
  assert.equal(await run('effectively-once.ts', file), null)
  const database = new DatabaseSync(file)
  const made = database.prepare('SELECT payment FROM effects ORDER BY rowid').all()
  assert.deepEqual(
    made.map((row) => row.payment),
    payments,
  )
  database.close()
})
