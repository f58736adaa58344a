import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Process } from '../../../../protocol.ts'
import { declared } from '../../../declared.ts'
import { graphOf, type Passed } from './graph.ts'

const process = (service: string, rest: Partial<Process> = {}): Process => ({
  name: `${service}-1`,
  service,
  kind: 'service',
  status: 'ready',
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
  ...rest,
})
const red = { ratePerSecond: 1, errors: 0, errorRatio: 0, meanMs: 1, p50Ms: 1, p90Ms: 1, p95Ms: 1, p99Ms: 1, maxMs: 1 }
const passed = (from: string, to: string, protocol: Passed['protocol'], rest: Partial<Passed> = {}): Passed => ({
  from,
  to,
  protocol,
  count: 10,
  ...red,
  ...rest,
})
const edges = (list: readonly Passed[]) => ({ fromMs: 0, toMs: 60_000, windowS: 60, nodes: [], edges: [...list] })
const running = [
  ...['gateway', 'users', 'orders', 'payments', 'inventory', 'delivery', 'notifications'].map((name) => process(name)),
  process('mail-sink', { kind: 'outside', ports: { smtp: 2525 } }),
  process('payment-processor', { kind: 'outside', ports: { http: 20966 } }),
  process('broker', { kind: 'platform' }),
]
const idsOf = (list: readonly { id: string }[]) => list.map(({ id }) => id)

test('before anything passes the map shows what the contracts declare', () => {
  const { nodes, edges: drawn } = graphOf(declared, running, undefined)
  for (const id of ['client', 'service:orders', 'topic:orders.events', 'topic:payments.tasks', 'external:mail-sink'])
    assert.ok(idsOf(nodes).includes(id), id)
  const ids = idsOf(drawn)
  for (const id of [
    'client service:gateway http',
    'service:gateway service:orders http',
    'service:orders topic:orders.events message',
    'topic:payments.tasks service:payments task',
  ])
    assert.ok(ids.includes(id), id)
  assert.ok(drawn.every(({ passed: none }) => none === undefined))
})

test('what everybody uses isn’t a node: an edge to each would hide the rest', () => {
  const traffic = edges([
    passed('service:orders', 'service:config', 'http'),
    passed('topic:config.events', 'service:orders', 'message'),
  ])
  const { nodes, edges: drawn } = graphOf(declared, running, traffic)
  assert.deepEqual(
    idsOf(nodes).filter((id) => /config|broker/.test(id)),
    [],
  )
  assert.deepEqual(
    idsOf(drawn).filter((id) => /config/.test(id)),
    [],
  )
})

test('a real call takes the place of the one declared, and outside processes have one name', () => {
  const traffic = edges([
    passed('service:gateway', 'service:orders', 'grpc'),
    passed('service:notifications', 'external:mail', 'mail'),
    passed('service:payments', 'external:127.0.0.1:20966', 'other'),
    passed('topic:payments.tasks', 'service:payments', 'message', { waiting: 7 }),
  ])
  const { nodes, edges: drawn } = graphOf(declared, running, traffic)
  const ids = idsOf(drawn)
  assert.ok(ids.includes('service:gateway service:orders grpc'))
  assert.ok(!ids.includes('service:gateway service:orders http'))
  assert.ok(ids.includes('service:notifications external:mail-sink mail'))
  assert.ok(ids.includes('service:payments external:payment-processor other'))
  assert.equal(idsOf(nodes).filter((id) => id.startsWith('external:')).length, 2)
  assert.equal(nodes.find(({ id }) => id === 'topic:payments.tasks')?.waiting, 7)
})

test('a service is as well as its instances', () => {
  const health = (...statuses: Process['status'][]) => {
    const own = statuses.map((status, at) => process('payments', { name: `payments-${at}`, status }))
    const { nodes } = graphOf(declared, own, undefined)
    return nodes.find(({ id }) => id === 'service:payments')?.health
  }
  assert.equal(health('ready', 'ready'), 'good')
  assert.equal(health('ready', 'backing-off'), 'partly')
  assert.equal(health('starting', 'stopped'), 'busy')
  assert.equal(health('paused', 'stopped'), 'gone')
})

test('a breaker that isn’t closed is on its edge, or on what is drawn between the two', () => {
  const open = (dependency: string, value: number) => ({ labels: { service: 'orders', dependency }, value })
  const traffic = edges([passed('service:orders', 'service:inventory', 'grpc')])
  const drawn = graphOf(declared, running, traffic, [
    open('grpc inventory', 2),
    open('http users', 1),
    open('grpc nobody', 2),
  ]).edges
  assert.deepEqual(drawn.flatMap(({ id, breaker }) => (breaker === undefined ? [] : [`${id} ${breaker}`])).sort(), [
    'service:orders service:inventory grpc open',
    'service:orders service:users http half',
  ])
})
