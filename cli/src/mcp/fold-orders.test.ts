import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldOrders, type OrderEvent } from './fold-orders.ts'

const at = (second: number) => `2026-11-27T12:00:${String(second).padStart(2, '0')}.000Z`

const event = (orderId: string, version: number, status: string, second: number): OrderEvent =>
  ({
    value: { orderId, userId: 'u', version, status, at: at(second), total: { amountMinor: 1, currency: 'EUR' } },
  }) as never

test('an order is where its event with the highest version says, in whatever order events are read', () => {
  const events = [event('a', 2, 'processing', 2), event('a', 3, 'paid', 3), event('a', 1, 'pending', 1)]
  const [order] = foldOrders(events, Date.parse(at(10)))
  assert.deepEqual([order?.status, order?.since, order?.waitingS], ['paid', at(3), 7])
})

test('what waits longest comes first; what is finished follows, newest first, and waits for nothing', () => {
  const events = [
    event('done-early', 5, 'completed', 1),
    event('young', 1, 'pending', 9),
    event('old', 2, 'processing', 2),
    event('done-late', 3, 'rejected', 8),
  ]
  const orders = foldOrders(events, Date.parse(at(10)))
  assert.deepEqual(
    orders.map(({ orderId, waitingS }) => [orderId, waitingS]),
    [
      ['old', 8],
      ['young', 1],
      ['done-late', undefined],
      ['done-early', undefined],
    ],
  )
})
