import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Away, Outage } from '../../protocol.ts'
import { keep } from '../../protocol.ts'
import { Instances, type Said } from './instances.ts'
import type { Seen } from './outages.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

const said = (second: number, name: string, status: Seen['status'], rest: Partial<Seen> = {}): Said => ({
  type: 'instance',
  at: at(second),
  instance: {
    name,
    service: 'orders',
    kind: 'service',
    status,
    ports: {},
    restarts: 0,
    memoryBudgetMb: 70,
    scalable: true,
    ...rest,
  },
})
const removed = (second: number, name: string): Said => ({ type: 'removed', at: at(second), name })

function followed() {
  const told: { outages: Outage[]; aways: Away[]; removed: string[] } = { outages: [], aways: [], removed: [] }
  const instances = new Instances({
    process: () => undefined,
    removed: (name) => told.removed.push(name),
    outage: (outage) => told.outages.push(outage),
    away: (away) => told.aways.push(away),
  })
  return { instances, told }
}

test('an instance that is taken away ends its outage, and the service was never away', () => {
  const { instances, told } = followed()
  instances.take(said(0, 'orders-1', 'ready', { pid: 1 }))
  instances.take(said(0, 'orders-2', 'ready', { pid: 2 }))
  instances.take(said(1, 'orders-2', 'stopping', { pid: 2 }))
  instances.take(removed(3, 'orders-2'))
  assert.deepEqual(
    instances.processes().map(({ name }) => name),
    ['orders-1'],
  )
  assert.deepEqual(instances.outages, [
    { instance: 'orders-2', service: 'orders', cause: 'stopped', from: at(1), until: at(3) },
  ])
  assert.equal(told.outages.at(-1)?.until, at(3))
  assert.deepEqual(told.removed, ['orders-2'])
  assert.deepEqual(told.aways, [])
})

test('a service is away from its last ready instance on, until one of them is ready', () => {
  const { instances, told } = followed()
  instances.take(said(0, 'orders-1', 'ready', { pid: 1 }))
  instances.take(said(0, 'orders-2', 'ready', { pid: 2 }))
  instances.take(said(1, 'orders-1', 'paused', { pid: 1 }))
  assert.deepEqual(instances.aways, [])
  instances.take(said(2, 'orders-2', 'paused', { pid: 2 }))
  instances.take(said(5, 'orders-1', 'ready', { pid: 1 }))
  assert.deepEqual(instances.aways, [
    { service: 'orders', instances: ['orders-1', 'orders-2'], cause: 'paused', from: at(2), until: at(5) },
  ])
  assert.equal(told.aways.length, 2, 'one when it begins, one when it ends')
})

test('a page hears of an instance without what is only for this machine', () => {
  const processes: object[] = []
  const instances = new Instances({
    process: (process) => processes.push(process),
    removed: () => undefined,
    outage: () => undefined,
    away: () => undefined,
  })
  const one = said(0, 'orders-1', 'ready', { pid: 7 })
  instances.take({
    ...one,
    instance: { ...('instance' in one ? one.instance : {}), logFile: '/home/x/orders.log' },
  } as Said)
  assert.deepEqual(Object.keys(processes[0] ?? {}).sort(), [
    'kind',
    'memoryBudgetMb',
    'name',
    'pid',
    'ports',
    'restarts',
    'scalable',
    'service',
    'status',
  ])
})

test('only the newest outages are kept', () => {
  const { instances } = followed()
  for (let round = 0; round <= keep.outages; round++) {
    instances.take(said(2 * round, 'orders-1', 'ready', { pid: 1 }))
    instances.take(said(2 * round + 1, 'orders-1', 'paused', { pid: 1 }))
  }
  assert.equal(instances.outages.length, keep.outages)
  assert.equal(instances.outages[0]?.from, at(3))
})
