import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lacking, notOnce } from './copies.ts'

const ends = (...counts: number[]) => counts.map((end, partition) => ({ topic: 'orders.events', partition, end }))

test('a copy lacks what it has less of, in each partition by itself', () => {
  assert.deepEqual(lacking(ends(3, 5), ends(3, 5)), [])
  assert.deepEqual(lacking(ends(3, 5), ends(4, 5)), [], 'one came twice')
  assert.deepEqual(lacking(ends(3, 5), ends(5, 3)), ['orders.events/1: 2'])
  assert.deepEqual(lacking(ends(3, 0), []), ['orders.events/0: 3'])
})

test('a step is one event, in however many records', () => {
  const record = (id: string, key: string, type: string) => ({ id, key, type })
  const good = [record('1', 'a', 'created'), record('2', 'a', 'paid'), record('2', 'a', 'paid')]
  const steps = ['created', 'paid']
  assert.deepEqual(notOnce(good, ['a'], steps), [])
  assert.deepEqual(notOnce([...good, record('3', 'a', 'paid')], ['a'], steps), ['a: 2 events paid'])
  assert.deepEqual(notOnce([...good, record('4', 'b', 'created')], ['a', 'b'], steps), ['b: 0 events paid'])
})
