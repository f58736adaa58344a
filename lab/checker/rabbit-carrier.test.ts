import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RabbitTopics } from '@svyaz/observe/rabbit-topics.ts'
import { until } from '@svyaz/observe/until.ts'
import type { System } from '@svyaz/system/testing'
import { progressOf, rabbitCarrier } from './rabbit-carrier.ts'

const seen = (topic: string, ...partitions: number[]) => partitions.map((partition) => ({ topic, partition }))
const row = (rows: ReturnType<typeof progressOf>, group: string, topic: string, partition: number) =>
  rows.find((one) => one.group === group && one.topic === topic && one.partition === partition)

test('a group is as far as its queue is empty', () => {
  const waiting = new Map([['delivery/orders.events/1', 2]])
  const rows = progressOf(seen('orders.events', 1, 1, 1, 0), waiting)
  assert.deepEqual(row(rows, 'delivery', 'orders.events', 1), {
    group: 'delivery',
    topic: 'orders.events',
    partition: 1,
    committed: 1,
    end: 3,
  })
  assert.equal(row(rows, 'inventory', 'orders.events', 1)?.committed, 3)
  assert.equal(row(rows, 'inventory', 'orders.events', 0)?.committed, 1)
  assert.equal(row(rows, 'orders', 'delivery.events', 0)?.end, 0)
})

test('more that waits than was seen: none is handled, and never less than none', () => {
  const rows = progressOf(seen('orders.events', 0), new Map([['payments/orders.events/0', 5]]))
  assert.equal(row(rows, 'payments', 'orders.events', 0)?.committed, 0)
})

test('a server that was killed and doesn’t come back is said', async () => {
  const server = {
    url: 'amqp://127.0.0.1:1',
    pid: 0,
    kill: async () => undefined,
    start: () => Promise.reject(new Error('its port is taken')),
  }
  const said: string[] = []
  const steered = rabbitCarrier(server, {} as RabbitTopics).steer({} as System, (line) => said.push(line))
  await steered.kill('broker-1')
  await until('it to be said', () => said.length > 0, { timeoutMs: 5_000, everyMs: 5 })
  assert.match(said.join(), /^broker-1 did not start again: .*its port is taken$/)
})
