import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keep, type LiveMessage, type NotificationFrame, type Process, type TrackedOrder } from '../../../protocol.ts'
import { recordedOrder } from '../../../test/recorded.ts'
import { emptyState, type State, take } from './state.ts'

const all = (messages: readonly LiveMessage[], from: State = emptyState): State =>
  messages.reduce((state, message) => take(state, message, 0), from)

const order = (number: number, user: TrackedOrder['user'] = 'ada'): TrackedOrder => ({
  user,
  order: { ...recordedOrder.order, id: `0198b6f0-0000-7000-8000-${String(number).padStart(12, '0')}` },
})
const frame = (cursor: number): NotificationFrame => ({
  cursor,
  kind: 'order.paid',
  title: '',
  at: '',
  eventId: String(cursor),
})
const instance = (name: string): Process => ({
  name,
  service: name.replace(/-\d+$/, ''),
  kind: 'service',
  status: 'ready',
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
})

test('orders stand newest first and stay bounded for each user, whatever comes', () => {
  const messages = Array.from(
    { length: 100 },
    (_, number): LiveMessage => ({ type: 'order', order: order(number, number % 10 === 0 ? 'boris' : 'ada') }),
  )
  const { orders } = all(messages)
  assert.equal(orders.filter(({ user }) => user === 'ada').length, keep.ordersPerUser)
  assert.equal(orders.filter(({ user }) => user === 'boris').length, 10)
  assert.deepEqual(
    orders.map((one) => one.order.id),
    orders
      .map((one) => one.order.id)
      .toSorted()
      .toReversed(),
  )
})

test('a trace that was seen stays when news of the order comes without it', () => {
  const { trace: _, ...without } = recordedOrder
  const state = all([
    { type: 'order', order: recordedOrder },
    { type: 'order', order: without },
  ])
  assert.equal(state.orders.length, 1)
  assert.ok(state.orders[0]?.trace)
})

test('notifications are newest first, each once, and bounded', () => {
  const cursors = [1, 2, 3, 3, ...Array.from({ length: 200 }, (_, index) => index + 4)]
  const { notifications } = all(
    cursors.map((cursor): LiveMessage => ({ type: 'notification', user: 'ada', notification: frame(cursor) })),
  )
  assert.equal(notifications.ada.length, keep.notificationsPerUser)
  assert.equal(notifications.ada[0]?.cursor, 203)
  assert.equal(new Set(notifications.ada.map(({ cursor }) => cursor)).size, keep.notificationsPerUser)
})

test('an outage that ends takes the place of its beginning; the list is bounded', () => {
  const from = '2026-01-01T00:00:00.000Z'
  const begun = { instance: 'payments-1', service: 'payments', cause: 'killed', from } as const
  const state = all([
    { type: 'outage', outage: begun },
    { type: 'outage', outage: { ...begun, until: '2026-01-01T00:00:01.000Z' } },
  ])
  assert.deepEqual(
    state.outages.map(({ until }) => until),
    ['2026-01-01T00:00:01.000Z'],
  )
  const many = Array.from(
    { length: 500 },
    (_, number): LiveMessage => ({ type: 'outage', outage: { ...begun, from: `${from}${number}` } }),
  )
  assert.equal(all(many, state).outages.length, keep.outages)
})

test('a new instance of a service comes after its others', () => {
  const state = all(
    ['orders-1', 'payments-1', 'gateway-1', 'payments-2'].map(
      (name): LiveMessage => ({ type: 'process', process: instance(name) }),
    ),
  )
  assert.deepEqual(
    state.processes.map(({ name }) => name),
    ['orders-1', 'payments-1', 'payments-2', 'gateway-1'],
  )
  const fewer = take(state, { type: 'process-removed', name: 'payments-2' }, 0)
  assert.deepEqual(
    fewer.processes.map(({ name }) => name),
    ['orders-1', 'payments-1', 'gateway-1'],
  )
})
