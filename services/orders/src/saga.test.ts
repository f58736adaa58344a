import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Order } from './domain.ts'
import { create, type Decision, decide, type SagaInput } from './saga.ts'

const moment = { at: '2026-01-02T03:04:05.000Z' }
const line = {
  productId: 'P-1001',
  quantity: 2,
  name: 'Lamp',
  unitPrice: { amountMinor: 500, currency: 'EUR' as const },
}
const fresh = (more: Partial<Order> = {}): Order => ({
  id: 'o1',
  userId: 'u1',
  status: 'pending',
  version: 1,
  itemsVersion: 1,
  items: [line],
  total: { amountMinor: 1000, currency: 'EUR' },
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
  paymentStep: 'idle',
  reserveAt: moment.at,
  createdAt: moment.at,
  updatedAt: moment.at,
  history: [],
  ...more,
})

const reserved: SagaInput = { type: 'stock.reserved', itemsVersion: 1 }
const paid: SagaInput = { type: 'payment.completed', worker: 'payments-1', processorId: 'ch_1' }
const declined: SagaInput = { type: 'payment.failed', worker: 'payments-1', reason: 'insufficient funds' }
const refunded: SagaInput = { type: 'payment.refunded', worker: 'payments-2' }
const shipped: SagaInput = { type: 'delivery.shipped', tracking: 'T1' }
const delivered: SagaInput = { type: 'delivery.delivered', tracking: 'T1' }
const lost: SagaInput = { type: 'delivery.failed', reason: 'lost' }
const wish: SagaInput = { type: 'cancel', reason: 'changed my mind', by: 'u1' }

/** Plays inputs; returns what was said, the order at the end, and that versions count 1..n. */
const play = (start: Order, ...inputs: SagaInput[]): { said: string; order: Order } => {
  const first: Decision = create(start, moment)
  const said = [...first.said]
  let order = first.order
  for (const input of inputs) {
    const next = decide(order, input, moment)
    said.push(...next.said)
    order = next.order
  }
  const versions = said.filter((one) => one.type.startsWith('order.')).map((one) => one.order.version)
  assert.deepEqual(
    versions,
    versions.map((_, index) => index + 1),
  )
  return { said: said.map((one) => one.type.replace('order.', '')).join(' '), order }
}

test('an order begins pending, at version 1, at the price of its lines, and is told as created', () => {
  const { id, userId, items, payment, paymentMethod, deliveryMethod, reserveAt } = fresh()
  const { order: first, said } = create(
    { id, userId, items, payment, paymentMethod, deliveryMethod, reserveAt },
    moment,
  )
  assert.deepEqual([first.status, first.version, first.itemsVersion, first.paymentStep], ['pending', 1, 1, 'idle'])
  assert.equal(first.total.amountMinor, 1000)
  assert.deepEqual([first.createdAt, first.updatedAt], [moment.at, moment.at])
  assert.deepEqual(
    said.map(({ type }) => type),
    ['order.created'],
  )
  assert.deepEqual(
    first.history.map(({ code }) => code),
    ['order_accepted'],
  )
})

const scenarios: [name: string, start: Partial<Order>, inputs: SagaInput[], said: string, status: string][] = [
  [
    'completes',
    {},
    [reserved, paid, shipped, delivered],
    'created processing payment.charge paid shipped completed',
    'completed',
  ],
  ['no stock', {}, [{ type: 'stock.rejected', itemsVersion: 1, missing: [] }], 'created rejected', 'rejected'],
  ['declined', {}, [reserved, declined], 'created processing payment.charge rejected', 'rejected'],
  ['cancelled while pending', {}, [wish, reserved], 'created cancelled', 'cancelled'],
  [
    'cancelled while the charge is queued',
    {},
    [reserved, wish, paid, refunded],
    'created processing payment.charge cancelling payment.refund cancelled',
    'cancelled',
  ],
  [
    'cancelled after payment',
    {},
    [reserved, paid, wish, refunded],
    'created processing payment.charge paid cancelling payment.refund cancelled',
    'cancelled',
  ],
  [
    'cannot be cancelled once shipped',
    {},
    [reserved, paid, shipped, wish, delivered],
    'created processing payment.charge paid shipped completed',
    'completed',
  ],
  [
    'delivery fails after payment',
    {},
    [reserved, paid, lost, refunded],
    'created processing payment.charge paid cancelling payment.refund cancelled',
    'cancelled',
  ],
  [
    'delivery fails after shipping',
    {},
    [reserved, paid, shipped, lost, refunded],
    'created processing payment.charge paid shipped cancelling payment.refund cancelled',
    'cancelled',
  ],
  [
    'paid now',
    { payment: 'now' },
    [reserved, { type: 'processPayment.charged', processorId: 'c' }, paid],
    'created processing paid',
    'paid',
  ],
  [
    'declined now',
    { payment: 'now' },
    [reserved, { type: 'processPayment.declined', reason: 'no' }],
    'created processing rejected',
    'rejected',
  ],
  [
    'payments away: falls back to the queue, once',
    { payment: 'now' },
    [
      reserved,
      { type: 'processPayment.unknown', reason: 'away' },
      { type: 'processPayment.unknown', reason: 'away' },
      paid,
    ],
    'created processing payment.charge paid',
    'paid',
  ],
  ['blocked while pending', {}, [{ type: 'user.blocked' }], 'created cancelled', 'cancelled'],
  [
    'blocked after payment',
    {},
    [reserved, paid, { type: 'user.blocked' }, refunded],
    'created processing payment.charge paid cancelling payment.refund cancelled',
    'cancelled',
  ],
  [
    'answer to an older version is ignored',
    {},
    [{ type: 'change', items: [line], reserveAt: moment.at }, reserved, { type: 'stock.reserved', itemsVersion: 2 }],
    'created changed processing payment.charge',
    'processing',
  ],
  [
    'events after the end change nothing',
    {},
    [reserved, declined, paid, refunded, shipped, delivered, wish],
    'created processing payment.charge rejected',
    'rejected',
  ],
  [
    'asked twice to cancel',
    {},
    [reserved, wish, wish, refunded, wish],
    'created processing payment.charge cancelling payment.refund cancelled',
    'cancelled',
  ],
]

for (const [name, start, inputs, said, status] of scenarios) {
  test(`saga: ${name}`, () => {
    const played = play(fresh(start), ...inputs)
    assert.equal(played.said, said)
    assert.equal(played.order.status, status)
  })
}

test('saga: a change sets items, total and the version that reservations answer to', () => {
  const { order } = play(fresh(), {
    type: 'change',
    items: [{ ...line, quantity: 5 }],
    reserveAt: '2026-01-02T03:05:00.000Z',
  })
  assert.equal(order.total.amountMinor, 2500)
  assert.equal(order.itemsVersion, 2)
  assert.equal(order.version, 2)
})

test('saga: any sequence of inputs keeps versions without a gap and ends say nothing more', () => {
  const inputs = [
    reserved,
    paid,
    declined,
    refunded,
    shipped,
    delivered,
    lost,
    wish,
    { type: 'user.blocked' } as SagaInput,
  ]
  let seed = 7
  const next = (bound: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % bound
  }
  for (let round = 0; round < 2_000; round++) {
    const played = play(
      fresh({ payment: next(2) ? 'now' : 'queue' }),
      ...Array.from({ length: 12 }, () => inputs[next(inputs.length)]!),
    )
    const ends = played.said.split(' ').filter((type) => ['completed', 'rejected', 'cancelled'].includes(type))
    assert.ok(ends.length <= 1, `round ${round}: ${played.said}`)
    if (ends.length === 1) assert.ok(played.said.endsWith(ends[0]!), played.said)
  }
})
