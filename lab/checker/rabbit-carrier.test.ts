import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressOf } from './rabbit-carrier.ts'

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
