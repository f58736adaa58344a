import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionOf, queueKindOf, queuesOf, toHandOn } from './topology.ts'

const topic = { name: 'orders.events', partitions: 2, groups: ['payments', 'delivery'] }

test('a topic has a queue for each group and partition, served to one consumer at a time', () => {
  const rows = queuesOf(topic, 'quorum')
  assert.deepEqual(
    rows.map(({ name, pattern }) => [name, pattern]),
    [
      ['payments/orders.events/0', 'orders.events.0'],
      ['payments/orders.events/1', 'orders.events.1'],
      ['delivery/orders.events/0', 'orders.events.0'],
      ['delivery/orders.events/1', 'orders.events.1'],
    ],
  )
  for (const { arguments: given } of rows) {
    assert.equal(given['x-single-active-consumer'], true)
    assert.equal(given['x-delivery-limit'], -1, 'restarts never make a dead letter')
    assert.equal(given['x-dead-letter-exchange'], 'svyaz')
  }
  assert.deepEqual(
    rows.map((row) => row.arguments['x-dead-letter-routing-key']),
    ['orders.events.dlq.0', 'orders.events.dlq.1', 'orders.events.dlq.0', 'orders.events.dlq.1'],
  )
})

test('dead letters are one stream, whatever the other queues are', () => {
  for (const kind of ['quorum', 'classic'] as const) {
    const [row, ...others] = queuesOf({ name: 'orders.events.dlq', partitions: 2 }, kind)
    assert.deepEqual(others, [])
    assert.deepEqual([row?.pattern, row?.arguments['x-queue-type']], ['orders.events.dlq.*', 'stream'])
  }
})

test('a classic queue is told nothing that only a quorum queue knows', () => {
  const [row] = queuesOf(topic, 'classic')
  const names = Object.keys(row?.arguments ?? {})
  assert.deepEqual(
    names.filter((name) => ['x-delivery-limit', 'x-dead-letter-strategy', 'x-overflow'].includes(name)),
    [],
  )
})

test('quorum queues from RabbitMQ 4 on', () => {
  assert.deepEqual(['3.10.8', '3.13.7', '4.0.0', '4.2.1', '10.0.0', '', undefined].map(queueKindOf), [
    'classic',
    'classic',
    'quorum',
    'quorum',
    'quorum',
    'classic',
    'classic',
  ])
})

test('a key is always in the same partition: these are facts of queues that are full', () => {
  assert.deepEqual(
    ['', 'a', 'ключ', 'order-1'].map((key) => partitionOf(key, 6)),
    [0, 3, 0, 1],
  )
})

test('whoever is served from more than its share hands the rest on, and all come out even', () => {
  assert.deepEqual([toHandOn(6, 6, 1), toHandOn(6, 6, 2), toHandOn(3, 6, 2), toHandOn(2, 6, 4)], [0, 3, 0, 0])
  // The first in line is served; those that hand on go to the end.
  const members = [0, 1, 2, 3]
  const lines = Array.from({ length: 6 }, () => [...members])
  for (let round = 0; round < 6; round++)
    for (const member of members) {
      const served = lines.filter((line) => line[0] === member)
      for (const line of served.slice(served.length - toHandOn(served.length, lines.length, members.length)))
        line.push(line.shift()!)
    }
  const shares = members.map((member) => lines.filter((line) => line[0] === member).length)
  assert.deepEqual(
    shares.filter((share) => share > 2),
    [],
    `${shares}`,
  )
})
