import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Order, sagaOf, withStep } from './domain.ts'

const order: Order = {
  id: '019b0000-0000-7000-8000-000000000001',
  userId: '019b0000-0000-7000-8000-000000000002',
  status: 'processing',
  version: 2,
  itemsVersion: 1,
  items: [],
  total: { amountMinor: 0, currency: 'EUR' },
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
  paymentStep: 'queued',
  reserveAt: '2026-01-01T00:00:00.000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:03.000Z',
  history: [],
}

test('a saga says for whom it waits since when, what comes after, and what was decided last', () => {
  const step = { service: 'orders', via: 'queue', data: {} } as const
  const told = [
    {
      ...step,
      at: '2026-01-01T00:00:00.000Z',
      code: 'order_accepted',
      traceId: 'aa',
      data: { lines: 1, payment: 'queue' },
    },
    { ...step, at: '2026-01-01T00:00:03.000Z', code: 'charge_queued', traceId: 'bb' },
    // It decides nothing.
    { ...step, at: '2026-01-01T00:00:04.000Z', code: 'answer_ignored', data: { answer: 'stock.reserved' } },
  ] as const
  const saga = sagaOf(told.reduce<Order>((before, one) => withStep(before, one), order))
  assert.deepEqual(saga.remaining, [
    { service: 'payments', code: 'charge_payment', waitingSince: '2026-01-01T00:00:03.000Z' },
    { service: 'delivery', code: 'ship', waitingSince: '2026-01-01T00:00:03.000Z' },
  ])
  assert.deepEqual(saga.last, { at: '2026-01-01T00:00:03.000Z', service: 'orders', code: 'charge_queued' })
  assert.equal(saga.traceId, 'aa')
})

test('a finished saga waits for nothing, and says why it ended so', () => {
  const saga = sagaOf({ ...order, status: 'rejected', reason: 'out_of_stock' })
  assert.deepEqual([saga.remaining, saga.reason, saga.last], [[], 'out_of_stock', undefined])
})
