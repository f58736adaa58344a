/**
 * What delivery hears: only orders, which alone decides (reliability, rule 6). A parcel is drafted on `created` and
 * goes its way on `paid`; each message first makes sure that there is a draft, since a partition may be read again from
 * the middle.
 */
import { type OrderSnapshot, ordersEvents } from '@svyaz/contracts/events/orders.ts'
import { collected, type Message, type Subscription, subscribe } from '@svyaz/kit'
import type { Input } from './domain.ts'
import {
  applyInputs,
  type DeliveryContext,
  type DeliverySchema,
  type DeliveryTx,
  type Drafted,
  draftParcels,
} from './storage.ts'

/** An order, and what it means for its parcel beyond that there is one. */
interface Heard extends Drafted {
  readonly input: Input | undefined
}

/**
 * The topics this service reads and what it does on each event.
 * @param wake called when a parcel may be due
 */
export const subscriptions = (context: DeliveryContext, wake: () => void): Subscription[] => {
  const heard = collected<Heard>(async (tx, all) => {
    await draftParcels(context, tx, all)
    const asked = all.flatMap(({ input, ...order }) => (input ? [{ ...order, input }] : []))
    if (asked.length === 0) return
    await applyInputs(context, tx, asked)
    tx.afterCommit(wake)
  })
  const on = (input?: Input) => async (message: Message<string, OrderSnapshot>, tx: DeliveryTx) => {
    const { orderId, userId, deliveryMethod } = message.data
    heard(tx, { orderId, userId, deliveryMethod, traceparent: context.tracer.current(), input })
  }
  return [
    subscribe<typeof ordersEvents, DeliverySchema>({
      topic: ordersEvents,
      group: 'delivery',
      dedupe: 'inbox',
      on: {
        'order.created': on(),
        'order.paid': on({ type: 'paid' }),
        'order.rejected': on({ type: 'ended' }),
        'order.cancelled': on({ type: 'ended' }),
      },
    }),
  ]
}
