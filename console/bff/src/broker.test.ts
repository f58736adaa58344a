import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressesIn, brokersIn } from './broker.ts'

test('there are brokers to look into where Kafka carries the events, and none where RabbitMQ does', () => {
  const SVYAZ_CONSOLE_BROKERS = 'kafka-1:9092, kafka://kafka-2:9092'
  assert.deepEqual(addressesIn(brokersIn({ SVYAZ_CONSOLE_BROKERS })), ['kafka-1:9092', 'kafka-2:9092'])
  assert.deepEqual(addressesIn(brokersIn({ SVYAZ_CONSOLE_BROKERS, SVYAZ_MESSAGES: 'kafka' })), [
    'kafka-1:9092',
    'kafka-2:9092',
  ])
  assert.deepEqual(addressesIn(brokersIn({ SVYAZ_CONSOLE_BROKERS, SVYAZ_MESSAGES: 'rabbitmq' })), [])
  assert.deepEqual(addressesIn(brokersIn({})), [])
})
