import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedExcept, engineRows, readEngines } from './addresses.ts'

const examples = Object.fromEntries(engineRows.map((row) => [row.variable, row.example]))

test('every example is taken as it stands', () => {
  const read = readEngines(examples)
  assert.ok('engines' in read, JSON.stringify(read))
  assert.deepEqual(read.engines.kafka, ['127.0.0.1:9092', '127.0.0.1:9192', '127.0.0.1:9292'])
  assert.deepEqual([read.engines.replicationFactor, read.engines.minInsyncReplicas], [3, 2])
})

test('ours everywhere, but for what is given', () => {
  const { consul, replicationFactor, minInsyncReplicas, ...rest } = embeddedExcept({ consul: 'http://c:8500' })
  assert.deepEqual([consul, replicationFactor, minInsyncReplicas], ['http://c:8500', 3, 2])
  assert.deepEqual(new Set(Object.values(rest)), new Set([undefined]))
  assert.equal(embeddedExcept({ replicationFactor: 1 }).replicationFactor, 1)
})

test('with nothing set, all that is missing is named at once, each with an example', () => {
  const read = readEngines({})
  assert.ok('faults' in read)
  const needed = engineRows.filter((row) => row.otherwise === undefined && row.carries !== 'rabbitmq')
  assert.equal(read.faults.length, needed.length)
  for (const row of needed)
    assert.ok(read.faults.some((fault) => fault.includes(`${row.variable} is missing`) && fault.includes(row.example)))
})

test('RabbitMQ stands in for Kafka where it is chosen, and has no embedded part', () => {
  const chosen = { ...examples, SVYAZ_KAFKA_BROKERS: undefined, SVYAZ_MESSAGES: 'rabbitmq' }
  const read = readEngines(chosen)
  assert.ok('engines' in read, JSON.stringify(read))
  assert.deepEqual([read.engines.kafka, read.engines.rabbitmq], [undefined, 'amqp://user:secret@127.0.0.1:5672'])
  const faultsOf = (env: Parameters<typeof readEngines>[0]) => {
    const result = readEngines(env)
    return 'faults' in result ? result.faults.map((fault) => fault.split(' ')[0]) : []
  }
  assert.deepEqual(faultsOf({ ...chosen, SVYAZ_RABBITMQ_URL: 'embedded' }), ['SVYAZ_RABBITMQ_URL'])
  assert.deepEqual(faultsOf({ ...chosen, SVYAZ_RABBITMQ_URL: undefined }), ['SVYAZ_RABBITMQ_URL'])
  assert.deepEqual(faultsOf({ ...examples, SVYAZ_MESSAGES: 'pigeons' }), ['SVYAZ_MESSAGES'])
})

test('malformed ones are named without repeating what may hold a password', () => {
  const read = readEngines({
    ...examples,
    SVYAZ_POSTGRES_URL: 'mysql://root:hunter2@127.0.0.1/x',
    SVYAZ_KAFKA_BROKERS: '127.0.0.1',
    SVYAZ_KAFKA_REPLICATION_FACTOR: '1',
  })
  assert.ok('faults' in read)
  assert.equal(read.faults.length, 3)
  assert.ok(!read.faults.join().includes('hunter2'))
  assert.match(read.faults[2]!, /MIN_INSYNC_REPLICAS is above/)
})

test('`embedded` stands for our own part', () => {
  const read = readEngines(Object.fromEntries(engineRows.map((row) => [row.variable, 'embedded'])))
  assert.ok('engines' in read)
  assert.deepEqual([read.engines.kafka, read.engines.rabbitmq], [undefined, undefined])
  assert.equal(read.engines.mongo, undefined)
})
