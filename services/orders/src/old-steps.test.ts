import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storyCodes, storyStep } from '@svyaz/contracts/http/order-story.ts'
import { currentStep, type OldStep } from './old-steps.ts'

const common = { at: '2026-11-21T14:42:22.049Z', service: 'orders', via: 'topic', status: 'processing' } as const
const old = (what: string, detail?: string): OldStep => ({
  ...common,
  what,
  ...(detail === undefined ? {} : { detail }),
})

const cases: readonly [OldStep, object][] = [
  [old('order accepted', '2 line(s), payment now'), { code: 'order_accepted', data: { lines: 2, payment: 'now' } }],
  [old('stock put back'), { code: 'stock_restocked', data: {} }],
  [
    old('not enough stock', 'P-1001: 5 wanted, 2 there; P-1002: 1 wanted, 0 there'),
    {
      code: 'stock_rejected',
      data: {
        missing: [
          { productId: 'P-1001', requested: 5, available: 2 },
          { productId: 'P-1002', requested: 1, available: 0 },
        ],
      },
    },
  ],
  [
    old('payment charged', 'by payments-2, processor ch_1'),
    { code: 'payment_charged', data: { worker: 'payments-2', processorId: 'ch_1' } },
  ],
  [old('payment charged', 'processor ch_1'), { code: 'payment_charged', data: { processorId: 'ch_1' } }],
  [old('payment refunded', 'by payments-1'), { code: 'payment_refunded', data: { worker: 'payments-1' } }],
  [old('shipped', 'SV1'), { code: 'delivery_shipped', data: { trackingNumber: 'SV1' } }],
  [old('asked to cancel', 'cancelled_by_user'), { code: 'cancel_requested', data: { reason: 'cancelled_by_user' } }],
  [
    old('mail: order.completed', '<m@s>'),
    { code: 'mail_sent', data: { about: 'order.completed', messageId: '<m@s>' } },
  ],
  [old('frame: order.paid', 'cursor 53'), { code: 'frame_sent', data: { about: 'order.paid', cursor: 53 } }],
  [old('stock.reserved: too late, ignored'), { code: 'answer_ignored', data: { answer: 'stock.reserved' } }],
]

test('a step that was stored as a sentence is told by its code, with what it said', () => {
  for (const [step, entry] of cases) {
    const { code, data } = currentStep(step)
    assert.deepEqual({ code, data }, entry, step.what)
    assert.deepEqual(storyStep.safeParse(currentStep(step)).error, undefined, step.what)
  }
})

test('a step of today stays as it is', () => {
  const step = { ...common, code: 'stock_reserved', data: {} } as const
  assert.equal(currentStep(step), step)
})

test('there are codes at all, each its own', () => {
  assert.ok(storyCodes.length > 20)
  assert.equal(new Set(storyCodes).size, storyCodes.length)
})
