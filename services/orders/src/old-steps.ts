/**
 * Steps as documents up to version 0.1.0 hold them: English sentences. Orders are never rewritten for it; such a step is
 * turned into its code when the story is read.
 */

import type { StoryEntry, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import type { notificationKinds } from '@svyaz/contracts/socket/notifications.ts'

type Kind = (typeof notificationKinds)[number]

export interface OldStep extends Pick<StoryStep, 'at' | 'service' | 'via' | 'status' | 'eventId' | 'traceId'> {
  what: string
  detail?: string
}

type Make = (detail: string) => StoryEntry

const plain =
  (
    code: 'items_changed' | 'stock_reserved' | 'stock_released' | 'stock_restocked' | 'charge_queued' | 'charge_called',
  ): Make =>
  () => ({ code, data: {} })
const because =
  (
    code:
      | 'charge_fell_back'
      | 'payment_declined'
      | 'refund_queued'
      | 'delivery_failed'
      | 'cancel_requested'
      | 'order_cancelled',
  ): Make =>
  (reason) => ({ code, data: { reason } })
const parcel =
  (code: 'delivery_scheduled' | 'delivery_shipped' | 'delivery_delivered' | 'delivery_returned'): Make =>
  (trackingNumber) => ({ code, data: { trackingNumber } })
const undone =
  (code: 'payment_voided' | 'payment_refunded'): Make =>
  (detail) => ({ code, data: { worker: detail.replace(/^by /, '') } })

const sentences: Readonly<Record<string, Make>> = {
  'order accepted': (detail) => ({
    code: 'order_accepted',
    data: { lines: Number.parseInt(detail, 10) || 1, payment: detail.endsWith('now') ? 'now' : 'queue' },
  }),
  'items changed': plain('items_changed'),
  'stock reserved': plain('stock_reserved'),
  'stock released': plain('stock_released'),
  'stock put back': plain('stock_restocked'),
  'not enough stock': (detail) => ({ code: 'stock_rejected', data: { missing: missingIn(detail) } }),
  'charge task queued': plain('charge_queued'),
  'asked payments to charge now': plain('charge_called'),
  'payment is away: the charge is queued': because('charge_fell_back'),
  'payment charged': (detail) => {
    const [, worker, processorId = ''] = /^(?:by (.+), )?processor (.+)$/.exec(detail) ?? []
    return { code: 'payment_charged', data: { processorId, ...(worker === undefined ? {} : { worker }) } }
  },
  'payment declined': because('payment_declined'),
  'payment voided': undone('payment_voided'),
  'payment refunded': undone('payment_refunded'),
  'refund task queued': because('refund_queued'),
  'delivery scheduled': parcel('delivery_scheduled'),
  'delivery returned': parcel('delivery_returned'),
  shipped: parcel('delivery_shipped'),
  delivered: parcel('delivery_delivered'),
  'delivery failed': because('delivery_failed'),
  'asked to cancel': because('cancel_requested'),
  cancelled: because('order_cancelled'),
}

/** The step itself, or what an old one says. A sentence that no version wrote becomes an ignored answer of that text. */
export function currentStep(step: StoryStep | OldStep): StoryStep {
  if (!('what' in step)) return step
  const { what, detail = '', ...common } = step
  return { ...common, ...entryOf(what, detail) }
}

function entryOf(what: string, detail: string): StoryEntry {
  const make = sentences[what]
  if (make !== undefined) return make(detail)
  const [, medium, about] = /^(mail|frame): (.+)$/.exec(what) ?? []
  if (medium === 'mail') return { code: 'mail_sent', data: { about: about as Kind, messageId: detail } }
  if (medium === 'frame')
    return { code: 'frame_sent', data: { about: about as Kind, cursor: Number(detail.replace(/\D/g, '')) } }
  return { code: 'answer_ignored', data: { answer: what.replace(/: too late, ignored$/, '') } }
}

const missingIn = (detail: string) =>
  [...detail.matchAll(/(P-\d{4}): (\d+) wanted, (\d+) there/g)].map(([, productId = '', requested, available]) => ({
    productId,
    requested: Number(requested),
    available: Number(available),
  }))
