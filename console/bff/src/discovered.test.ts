import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HealthEntry, instanceOf, nodeOf } from './discovered.ts'

const entry: HealthEntry = {
  Node: { Node: 'vm', Address: '10.0.0.1' },
  Service: { ID: 'orders-1', Tags: null },
  Checks: [
    { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing', ServiceID: '', Output: 'alive' },
    {
      CheckID: 'service:orders-1',
      Name: 'check',
      Type: 'ttl',
      Status: 'passing',
      ServiceID: 'orders-1',
      Output: 'heartbeat 2026-11-27T03:28:28.395Z',
    },
    { CheckID: 'odd', Status: 'sleeping', ServiceID: 'orders-1', Output: 'heartbeat soon' },
  ],
}
const instance = { id: 'orders-1', host: '10.0.0.1', ports: { http: 8080 } }

test('an instance has its own checks, the time of its heartbeat, and what its signature is worth', () => {
  const told = instanceOf(entry, { instance, verdict: 'signed', signedAt: 1_795_750_102 })
  assert.deepEqual(told?.checks, [
    {
      id: 'service:orders-1',
      name: 'check',
      type: 'ttl',
      status: 'passing',
      output: 'heartbeat 2026-11-27T03:28:28.395Z',
      beatAt: '2026-11-27T03:28:28.395Z',
    },
    { id: 'odd', name: '', type: '', status: 'critical', output: 'heartbeat soon' },
  ])
  assert.deepEqual([told?.signature, told?.signedAt, told?.tags], ['signed', '2026-11-27T03:28:22.000Z', []])
})

test('an entry without a place is left out; checks of the node are the node’s', () => {
  assert.equal(instanceOf(entry, undefined), undefined)
  assert.deepEqual(
    nodeOf(entry).checks.map(({ id }) => id),
    ['serfHealth'],
  )
})
