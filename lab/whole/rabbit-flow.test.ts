/** The judges of rabbit-flow.ts see what they are there to see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicRecord } from '@svyaz/observe/topics.ts'
import type { Span } from '@svyaz/observe/traces.ts'
import { faultsInEvents, handledBy } from './rabbit-flow.ts'

const span = (group: string, id: string, system = 'rabbitmq'): Span => ({
  traceId: 't',
  spanId: `${group}-${id}`,
  name: 'handle order.created',
  kind: 'consumer',
  service: group,
  links: [],
  attributes: {
    'messaging.system': system,
    'messaging.consumer.group.name': group,
    'messaging.message.id': id,
  },
})

test('an event that is handled twice, or by way of Kafka, shows', () => {
  const spans = [span('inventory', 'e'), span('payments', 'e'), span('payments', 'other')]
  assert.deepEqual(handledBy(spans, 'e'), ['inventory', 'payments'])
  assert.deepEqual(handledBy([...spans, span('payments', 'e')], 'e'), ['inventory', 'payments', 'payments'])
  assert.deepEqual(handledBy([span('inventory', 'e', 'kafka')], 'e'), [])
})

const record = (version: number, type: string, id = `e${version}`): TopicRecord => ({
  topic: 'orders.events',
  partition: 0,
  offset: version,
  key: 'o',
  id,
  type,
  time: '',
  headers: {},
  data: { version },
})

test('an event that is lost, or has a place of another, shows; one that was sent twice is one', () => {
  const all = [record(1, 'order.created'), record(2, 'order.paid'), record(3, 'order.completed')]
  assert.deepEqual(faultsInEvents('o', [...all, record(2, 'order.paid')]), [])
  assert.deepEqual(faultsInEvents('o', [all[0]!, all[2]!]), ['o: version 3 is out of line'])
  assert.deepEqual(faultsInEvents('o', all.slice(0, 2)), ['o: its last event is order.paid'])
  assert.deepEqual(faultsInEvents('o', [...all, record(2, 'order.paid', 'again')]).length, 2)
  assert.deepEqual(faultsInEvents('o', []), ['o: its last event is undefined'])
})
