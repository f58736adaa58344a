/** What the edges do with orders: the saga's decisions, joined to the store, the clock and the outbox. */
import type { StoryEntry } from '@svyaz/contracts/http/order-story.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { type Context, collected, createWakes, permanent, type Tx, type Wakes } from '@svyaz/kit'
import type { Settings } from './config.ts'
import { type Order, viewOf } from './domain.ts'
import { storedEvents } from './publish.ts'
import { create, type Decision, decide, type Moment, type Placed, type SagaInput } from './saga.ts'
import type { OrdersSchema } from './storage/schema.ts'
import type { Decide, InTransaction, Note, OrderStore, StoredOrder } from './storage.ts'

type OrdersContext = Omit<Context<Settings>, 'database'>

/** What a user was told, and when (ISO 8601). */
export type Told = StoryEntry & { code: 'mail_sent' | 'frame_sent'; at: string }

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
  /**
   * The same for an event, in its handler's transaction where the store has them: then it is decided with all others of
   * the transaction, before it is committed. Fails for good when there is no such order.
   */
  hear(tx: Tx<OrdersSchema> | undefined, orderId: string, causeEventId: string, input: SagaInput): Promise<void>
  /** Keeps that the user was told of these things; each event once. Decides nothing. */
  tell(
    tx: Tx<OrdersSchema> | undefined,
    orderId: string,
    causeEventId: string,
    via: 'smtp' | 'websocket',
    entries: readonly Told[],
  ): Promise<void>
  /** Woken by the order's id after each change made in this process. */
  changes: Wakes
}

type Transaction = Tx<OrdersSchema> | undefined

/** An input of the saga, from when it came. */
interface Asked {
  readonly orderId: string
  readonly causeEventId: string | undefined
  readonly input: SagaInput
  readonly guard?: ((order: Order) => void) | undefined
  /** Of whoever asked: it may be decided with others, outside of their spans. */
  readonly traceparent: string | undefined
}

/** @param paymentDue is told an order whose ProcessPayment is to be called now */
export const createOrders = (context: OrdersContext, store: OrderStore, paymentDue: (order: Order) => void): Orders =>
  new StoredOrders(context, store, paymentDue)

class StoredOrders implements Orders {
  readonly store: OrderStore
  readonly changes: Wakes
  readonly #context: OrdersContext
  readonly #paymentDue: (order: Order) => void
  readonly #decideIn: ReturnType<typeof collected<Asked>>
  readonly #tellIn: ReturnType<typeof collected<Note>>

  constructor(context: OrdersContext, store: OrderStore, paymentDue: (order: Order) => void) {
    this.store = store
    this.#context = context
    this.#paymentDue = paymentDue
    this.changes = createWakes(context.clock)
    this.#decideIn = collected((tx, asked) => this.#decideTogether(tx, asked))
    this.#tellIn = collected((tx, notes) => this.#transactional.tell(tx, notes))
  }

  async apply(
    orderId: string,
    causeEventId: string | undefined,
    input: SagaInput,
    guard?: (order: Order) => void,
  ): Promise<Order | undefined> {
    const result = await this.store.change(
      orderId,
      causeEventId,
      this.#decided(this.#ask({ orderId, causeEventId, input, guard })),
    )
    if (!result) return undefined
    if (result.applied) this.#changed([result.order])
    return result.order
  }

  async hear(tx: Transaction, orderId: string, causeEventId: string, input: SagaInput): Promise<void> {
    if (tx) return this.#decideIn(tx, this.#ask({ orderId, causeEventId, input }))
    if (!(await this.apply(orderId, causeEventId, input))) throw noSuchOrder(orderId)
  }

  async tell(
    tx: Transaction,
    orderId: string,
    causeEventId: string,
    via: 'smtp' | 'websocket',
    entries: readonly Told[],
  ): Promise<void> {
    const moment = this.#moment(causeEventId, this.#context.tracer.current())
    const notes = entries.map((entry, index) => ({
      orderId,
      // The event's own id for the first, so that whoever looks for it finds it.
      eventId: index === 0 ? causeEventId : `${causeEventId}/${String(index).padStart(3, '0')}`,
      step: { ...moment, service: 'notifications', via, ...entry },
    }))
    if (tx) return this.#tellIn(tx, ...notes)
    for (const note of notes) await this.store.tell(note.orderId, note.eventId, note.step)
  }

  async create(placed: Placed, idempotency: { key: string; bodyHash: string }) {
    const traceparent = this.#context.tracer.current()
    const now = this.#moment(undefined, traceparent)
    const decision = create(placed, now)
    const view: OrderView = viewOf(decision.order)
    const events = this.#eventsOf(decision, now.at, traceparent)
    const result = await this.store.create(decision.order, view, idempotency, events)
    if (result.fresh) this.#changed([decision.order])
    return result
  }

  get #transactional(): InTransaction {
    if (!this.store.inTransaction) throw new Error('a transaction without a store that has them')
    return this.store.inTransaction
  }

  #ask(asked: Omit<Asked, 'traceparent'>): Asked {
    return { ...asked, traceparent: this.#context.tracer.current() }
  }

  async #decideTogether(tx: Parameters<InTransaction['change']>[0], asked: readonly Asked[]): Promise<void> {
    const changes = asked.map((one) => ({
      orderId: one.orderId,
      causeEventId: one.causeEventId,
      decide: this.#decided(one),
    }))
    const results = await this.#transactional.change(tx, changes)
    const missing = asked.find((_, index) => results[index] === undefined)
    if (missing) throw noSuchOrder(missing.orderId)
    const applied = results.flatMap((result) => (result?.applied ? [result.order] : []))
    if (applied.length > 0) tx.afterCommit(() => this.#changed(applied))
  }

  #decided({ causeEventId, input, guard, traceparent }: Asked): Decide {
    return (order) => {
      guard?.(order)
      const now = this.#moment(causeEventId, traceparent)
      const decision = decide(order, input, now)
      if (decision.order === order) return undefined
      return { order: decision.order, events: this.#eventsOf(decision, now.at, traceparent) }
    }
  }

  /** Behind the commit. An order comes once for each of its changes, the last as it is now. */
  #changed(orders: readonly Order[]): void {
    this.#context.crashPoint('outbox.after-commit')
    this.#context.outbox.wake()
    for (const order of new Map(orders.map((order) => [order.id, order])).values()) {
      this.changes.wake(order.id)
      if (order.paymentStep === 'calling') this.#paymentDue(order)
    }
  }

  #moment(eventId: string | undefined, traceparent: string | undefined): Moment {
    return {
      at: this.#context.clock.iso(),
      ...(eventId === undefined ? {} : { eventId }),
      ...(traceparent === undefined ? {} : { traceId: traceparent.slice(3, 35) }),
    }
  }

  #eventsOf(decision: Decision, at: string, traceparent: string | undefined) {
    return storedEvents(decision, { uuid: this.#context.ids.uuid, at, traceparent })
  }
}

const noSuchOrder = (orderId: string) => permanent(`there is no order ${orderId}`)
