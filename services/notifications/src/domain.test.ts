import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '@svyaz/contracts/primitives.ts'
import { notificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import { aboutOrder, detailOfFrame, mailRetryMs } from './domain.ts'

const order = {
  orderId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e',
  userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4f',
  total: { amountMinor: 1250, currency: 'EUR' },
  items: [{ name: 'Lamp', quantity: 2 }],
}

test('a reason is told in words where there are some, and as it is where not', () => {
  assert.equal(aboutOrder('order.rejected', { ...order, reason: 'out_of_stock' }).detail, 'some of it is not in stock')
  for (const reason of ['something else', '__proto__', 'constructor', 'toString'])
    assert.equal(aboutOrder('order.rejected', { ...order, reason }).detail, reason)
  assert.equal(aboutOrder('order.paid', order).detail, '2 × Lamp: 12.50 EUR')
})

test('a detail fits into its frame, whatever an event brought', () => {
  const frame = (detail: string) =>
    notificationFrame.safeParse({
      cursor: 1,
      kind: 'order.paid',
      title: 'Order paid',
      detail: detailOfFrame(detail),
      at: '2026-11-26T12:00:00.000Z',
      eventId: 'e',
    }).success
  const max = limits.sentenceCharsMax
  for (const detail of ['', 'x'.repeat(max), 'x'.repeat(max + 1), '😀'.repeat(max), `x${'😀'.repeat(max)}`]) {
    assert.ok(frame(detail))
    assert.ok(detailOfFrame(detail).isWellFormed())
  }
  assert.equal(detailOfFrame('x'.repeat(max)), 'x'.repeat(max))
  assert.equal(detailOfFrame('x'.repeat(max + 1)), `${'x'.repeat(max - 1)}…`)
})

test('a mail is tried again after a wait whose bound doubles up to the longest', () => {
  const bounds = { mailRetryFirstMs: 500, mailRetryMaxMs: 3_000 }
  assert.deepEqual(
    [1, 2, 3, 4, 10_000].map((attempts) => mailRetryMs(attempts, bounds, 1)),
    [500, 1_000, 2_000, 3_000, 3_000],
  )
  assert.deepEqual([mailRetryMs(1, bounds, 0), mailRetryMs(2, bounds, 0.5)], [0, 500])
})
