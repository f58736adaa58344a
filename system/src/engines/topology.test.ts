import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '../../topology.ts'
import { embeddedExcept } from './addresses.ts'
import { databasesNeeded, databaseUrl, onEngines, withDatabase } from './topology.ts'

const none = embeddedExcept({})
const all = embeddedExcept({
  kafka: ['a:9092', 'b:9092'],
  consul: 'http://consul:8500',
  postgres: 'postgres://postgres:secret@db:5432/postgres?sslmode=disable',
  mongo: 'mongodb://m1,m2/?replicaSet=rs0',
  otlp: 'http://jaeger:4318',
  smtp: 'smtp://mail:25',
  processor: 'http://processor',
})
const password = (service: string) => `${service}'s own`

test('on engines for everything services and the console are left, and each is told its addresses', () => {
  const { processes } = onEngines(topology, all, password)
  assert.deepEqual(new Set(processes.map((process) => process.kind)), new Set(['service', 'console']))
  const names = new Set(processes.map((process) => process.name))
  for (const { name, needs, variables = {}, addresses = {} } of processes) {
    assert.ok(
      needs.every((need) => names.has(need)),
      name,
    )
    if (name === 'console') continue
    assert.deepEqual(addresses, {}, name)
    assert.equal(variables.SVYAZ_KAFKA_BROKERS, 'a:9092,b:9092')
    assert.equal(variables.SVYAZ_CREATE_TOPICS, '0')
  }
  const told = (name: string) => processes.find((process) => process.name === name)?.variables ?? {}
  assert.equal(told('orders').SVYAZ_MONGO_URL, 'mongodb://m1,m2/orders?replicaSet=rs0')
  assert.equal(told('orders').SVYAZ_DATABASE_URL, undefined)
  assert.equal(told('users').SVYAZ_DATABASE_URL, "postgres://users:users's%20own@db:5432/users?sslmode=disable")
  assert.equal(told('users').SVYAZ_SEED_ADMIN, '1')
  assert.equal(told('notifications').SVYAZ_SMTP_URL, 'smtp://mail:25')
  assert.equal(told('payments').SVYAZ_PROCESSOR_URL, 'http://processor')
  assert.match(told('mc1').SVYAZ_DATABASE_URL ?? '', /^postgres:\/\/relay:.*\/relay\?/)
  assert.equal(told('gateway').SVYAZ_SMTP_URL, undefined)
  assert.ok(!databasesNeeded(topology, all).includes('orders'))
})

test('on none of them it is the embedded system', () => {
  const same = onEngines(topology, none, password)
  assert.deepEqual(
    same.processes.map(({ name, needs, addresses = {} }) => ({ name, needs, addresses })),
    topology.processes.map(({ name, needs, addresses = {} }) => ({ name, needs, addresses })),
  )
  assert.ok(databasesNeeded(topology, none).includes('orders'))
})

test('addresses with a database of their own keep what else they say', () => {
  assert.equal(databaseUrl('postgresql://root@[::1]/postgres', 'users', 'a/b'), 'postgresql://users:a%2Fb@[::1]/users')
  assert.equal(withDatabase('mongodb://h:1', 'orders'), 'mongodb://h:1/orders')
  assert.equal(withDatabase('mongodb://u:p@h:1/', 'orders'), 'mongodb://u:p@h:1/orders?authSource=admin')
  assert.equal(withDatabase('mongodb://u:p@h/?tls=true', 'orders'), 'mongodb://u:p@h/orders?tls=true&authSource=admin')
})
