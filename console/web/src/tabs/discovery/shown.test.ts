import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiscoveredInstance, DiscoveryCheck } from '../../../../protocol.ts'
import { beatOf, shownOf, statusOf } from './shown.ts'

const check = (status: DiscoveryCheck['status'], beatAt?: string): DiscoveryCheck => ({
  id: status,
  name: status,
  type: 'ttl',
  status,
  output: '',
  ...(beatAt === undefined ? {} : { beatAt }),
})
const instance = (id: string, ...checks: DiscoveryCheck[]): DiscoveredInstance => ({
  id,
  node: 'vm',
  address: '10.0.0.1',
  ports: { http: 8080 },
  tags: [],
  checks,
  signature: 'signed',
})
const services = [
  { name: 'orders', instances: [instance('orders-1', check('passing')), instance('orders-2', check('critical'))] },
  { name: 'users', instances: [instance('users-1', check('passing'))] },
]
const ids = (text: string, badOnly = false) =>
  shownOf(services, text, badOnly).map(({ name, instances }) => `${name}: ${instances.map(({ id }) => id)}`)

test('an instance is as its worst check is', () => {
  assert.equal(statusOf(instance('a', check('passing'), check('critical'), check('warning'))), 'critical')
  assert.equal(statusOf(instance('a', check('passing'), check('maintenance'))), 'maintenance')
  assert.equal(statusOf(instance('a')), 'passing')
})

test('the newest heartbeat counts', () => {
  const [early, late] = ['2026-11-27T03:00:00Z', '2026-11-27T03:00:04Z']
  assert.equal(beatOf(instance('a', check('passing', late), check('passing', early))), late)
  assert.equal(beatOf(instance('a', check('passing'))), undefined)
})

test('found by service, instance, address or port; those that do not pass alone', () => {
  assert.deepEqual(ids(''), ['orders: orders-1,orders-2', 'users: users-1'])
  assert.deepEqual(ids('ORDERS-2'), ['orders: orders-2'])
  assert.deepEqual(ids('8080', true), ['orders: orders-2'])
  assert.deepEqual(ids('nobody'), [])
})
