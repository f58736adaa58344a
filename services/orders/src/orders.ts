/** What the edges do with orders: the saga's decisions, joined to the store, the clock and the outbox. */
import type { StoryEntry } from '@svyaz/contracts/http/order-story.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { type Context, createWakes, type Wakes } from '@svyaz/kit'
import type { Settings } from './config.ts'
import { type Order, viewOf } from './domain.ts'
import { storedEvents } from './publish.ts'
import { create, type Decision, decide, type Moment, type Placed, type SagaInput } from './saga.ts'
import type { OrderStore, StoredOrder } from './storage.ts'

/** What a user was told. */
export type Told = StoryEntry & { code: 'mail_sent' | 'frame_sent' }

export interface Orders {
  store: OrderStore
  create(
    placed: Placed,
    idempotency: { key: string; bodyHash: string },
  ): Promise<{ stored: StoredOrder & { bodyHash: string }; fresh: boolean }>
  /**
   * Gives an order the saga's next input; each cause once. Undefined when there is no such order.
   */
  apply(
    orderId: string,
    causeEventId: string | undefined,
    input: SagaInput,
    guard?: (order: Order) => void,
  ): Promise<Order | undefined>
  /** Keeps that the user was told of something; each event once. Decides nothing. */
  tell(orderId: string, causeEventId: string, via: 'smtp' | 'websocket', entry: Told): Promise<void>
  /** Woken by the order's id after each change made in this process. */
  changes: Wakes
}

/** @param paymentDue is told an order whose ProcessPayment is to be called now */
export const createOrders = (
  context: Omit<Context<Settings>, 'database'>,
  store: OrderStore,
  paymentDue: (order: Order) => void,
): Orders => {
  const changes = createWakes(context.clock)
  const moment = (eventId?: string): Moment => {
    const traceparent = context.tracer.current()
    return {
      at: context.clock.iso(),
      ...(eventId === undefined ? {} : { eventId }),
      ...(traceparent === undefined ? {} : { traceId: traceparent.slice(3, 35) }),
    }
  }
  const eventsOf = (decision: Decision, at: string) =>
    storedEvents(decision, { uuid: context.ids.uuid, at, traceparent: context.tracer.current() })
  const changed = (orderId: string) => {
    context.crashPoint('outbox.after-commit')
    context.outbox.wake()
    changes.wake(orderId)
  }

  const apply: Orders['apply'] = async (orderId, causeEventId, input, guard) => {
    const result = await store.change(orderId, causeEventId, (order) => {
      guard?.(order)
      const now = moment(causeEventId)
      const decision = decide(order, input, now)
      return decision.order === order ? undefined : { order: decision.order, events: eventsOf(decision, now.at) }
    })
    if (!result) return undefined
    if (result.applied) changed(orderId)
    if (result.applied && result.order.paymentStep === 'calling') paymentDue(result.order)
    return result.order
  }

  return {
    store,
    changes,
    apply,
    tell: (orderId, causeEventId, via, entry) =>
      store.tell(orderId, causeEventId, { ...moment(causeEventId), service: 'notifications', via, ...entry }),
    async create(placed, idempotency) {
      const now = moment()
      const decision = create(placed, now)
      const view: OrderView = viewOf(decision.order)
      const result = await store.create(decision.order, view, idempotency, eventsOf(decision, now.at))
      if (result.fresh) changed(placed.id)
      return result
    },
  }
}
