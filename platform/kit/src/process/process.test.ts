import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnvironment } from './process.ts'

const needed = {
  SVYAZ_SERVICE: 'orders',
  SVYAZ_INSTANCE: 'orders-1',
  SVYAZ_HOME: '/home',
  SVYAZ_DISCOVERY_URL: 'http://127.0.0.1:8500',
  SVYAZ_KAFKA_BROKERS: '127.0.0.1:9092',
  SVYAZ_KEY_FILE: 'key',
  SVYAZ_JWKS_FILE: 'jwks',
}

const kitOf = (raw: Record<string, string>) => {
  const read = readEnvironment({ ...needed, ...raw }, undefined)
  assert.ok(!('faults' in read), JSON.stringify(read))
  return read.kit
}

test('nothing is sabotaged, and no crash point is armed, unless a variable names it', () => {
  assert.equal(kitOf({}).sabotage.size, 0)
  assert.equal(kitOf({ SVYAZ_SABOTAGE: '' }).sabotage.size, 0)
  assert.equal(kitOf({}).crashPoints, '')
  assert.deepEqual(
    [...kitOf({ SVYAZ_SABOTAGE: 'skip-inbox,commit-before-handler' }).sabotage],
    ['skip-inbox', 'commit-before-handler'],
  )
})

test('every fault of the environment is named at once, an unknown sabotage among them', () => {
  const read = readEnvironment({ ...needed, SVYAZ_SERVICE: '', SVYAZ_SABOTAGE: 'skip-lunch' }, undefined)
  assert.ok('faults' in read)
  assert.deepEqual(
    read.faults.map((fault) => fault.split(':')[0]),
    ['SVYAZ_SERVICE', 'SVYAZ_SABOTAGE.0'],
  )
})

test('what carries events needs an address of its own', () => {
  const faultsOf = (raw: Record<string, string>) => {
    const read = readEnvironment({ ...needed, SVYAZ_KAFKA_BROKERS: '', ...raw }, undefined)
    return 'faults' in read ? read.faults.map((fault) => fault.split(':')[0]) : []
  }
  assert.deepEqual(faultsOf({}), ['SVYAZ_KAFKA_BROKERS'])
  assert.deepEqual(faultsOf({ SVYAZ_MESSAGES: 'rabbitmq' }), ['SVYAZ_RABBITMQ_URL'])
  assert.deepEqual(faultsOf({ SVYAZ_MESSAGES: 'rabbitmq', SVYAZ_RABBITMQ_URL: 'http://127.0.0.1' }), [
    'SVYAZ_RABBITMQ_URL',
  ])
  assert.deepEqual(faultsOf({ SVYAZ_MESSAGES: 'rabbitmq', SVYAZ_RABBITMQ_URL: 'amqp://127.0.0.1:5672' }), [])
})
