import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configEvents } from '@svyaz/contracts/events/config.ts'
import { ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { paymentsTasks } from '@svyaz/contracts/events/payments.ts'
import { topicsToMake } from './topics.ts'

test('each topic once, with its dead letters and the partitions of the contract', () => {
  assert.deepEqual(topicsToMake([ordersEvents, configEvents, ordersEvents]), [
    { name: 'orders.events', partitions: 6, groups: ['inventory', 'payments', 'delivery', 'notifications'] },
    { name: 'orders.events.dlq', partitions: 6 },
    { name: 'config.events', partitions: 6, groups: [] },
    { name: 'config.events.dlq', partitions: 6 },
  ])
})

test('the workers of a task are one group, under its name', () => {
  assert.deepEqual(topicsToMake([paymentsTasks])[0]?.groups, ['payment-workers'])
})
