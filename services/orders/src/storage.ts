/**
 * Where orders live: the only way to write one is `create` or `change` (reliability rule 4). The document holds the
 * order, the ids of the events that it has handled and, in MongoDB, the events that wait to be sent, so one
 * compare-and-set write does all three; in PostgreSQL one statement writes document and outbox. PostgreSQL or MongoDB keeps them, as the environment says (`storage/open.ts`); no SQL and no driver handle leaves
 * `storage/`, and one suite (`test/order-store.suite.ts`) holds both to what is written here.
 */
import type { SagaSelection } from '@svyaz/contracts/http/order-sagas.ts'
import type { StoryStep } from '@svyaz/contracts/http/order-story.ts'
import {
  isFinal,
  type OrderStatus,
  orderStatuses,
  orderStatusTable,
  statusesThat,
} from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { OutboxSource, StoredEvent, Tx } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Order } from './domain.ts'

export interface StoredOrder {
  order: Order
  /** The answer that was given at creation, repeated for the same Idempotency-Key. */
  created: OrderView
}

export interface Change {
  order: Order
  events: readonly StoredEvent[]
}

/** Undefined: there is nothing to write. */
export type Decide = (order: Order) => Change | undefined

export interface ChangeOf {
  readonly orderId: string
  /** The event that it answers: each has an effect once. */
  readonly causeEventId: string | undefined
  readonly decide: Decide
}

export interface Changed {
  readonly order: Order
  readonly applied: boolean
}

/** A step that decides nothing, kept beside its order. */
export interface Note {
  readonly orderId: string
  readonly eventId: string
  readonly step: StoryStep
}

/** What a store that has transactions does in those of its readers' handlers. */
export interface InTransaction {
  /** As `change`, several in the order given; undefined for each whose order isn't there. */
  // biome-ignore lint/suspicious/noExplicitAny: a handler's transaction is over this service's tables
  change(tx: Tx<any>, changes: readonly ChangeOf[]): Promise<readonly (Changed | undefined)[]>
  /** As `tell`, several. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  tell(tx: Tx<any>, notes: readonly Note[]): Promise<void>
}

/** Which orders an operator asks for, whoever placed them. */
export interface SagaPage {
  readonly statuses: readonly OrderStatus[]
  readonly sort: 'oldest' | 'newest'
  readonly limit: number
  /** The last one of the page before. */
  readonly beyondId?: string
  readonly madeBeforeMs?: number
}

/** An id of another form than ours names nothing: it is looked up like any other, and is not there. */
export interface OrderStore extends OutboxSource {
  /** Stores a new order with its events; answers the one that is there when (user, key) is taken already. */
  create(
    order: Order,
    created: OrderView,
    idempotency: { key: string; bodyHash: string },
    events: readonly StoredEvent[],
  ): Promise<{ stored: StoredOrder & { bodyHash: string }; fresh: boolean }>
  byKey(userId: string, key: string): Promise<(StoredOrder & { bodyHash: string }) | undefined>
  get(orderId: string): Promise<Order | undefined>
  /** Those of them that are there, in no order, in one read. */
  getMany(orderIds: readonly string[]): Promise<readonly Order[]>
  /**
   * Reads, decides and writes by compare-and-set until it holds. With a cause that was handled before, or a decision
   * of undefined, nothing is written and `applied` is false. Undefined when there is no such order.
   */
  change(orderId: string, causeEventId: string | undefined, decide: Decide): Promise<Changed | undefined>
  /** Absent: this store has no transactions over several documents. */
  readonly inTransaction?: InTransaction
  /**
   * Keeps a step that decides nothing (a mail or a frame went out) beside the order, once per event: an append, so that
   * the document is written for decisions only.
   */
  tell(orderId: string, eventId: string, step: StoryStep): Promise<void>
  /** What was told of the order, oldest first, up to the limit of a story. */
  told(orderId: string): Promise<readonly StoryStep[]>
  /** Newest first; `beforeId` is the cursor. */
  list(userId: string, page: { limit: number; beforeId?: string }): Promise<readonly Order[]>
  totals(userId: string): Promise<{ orders: number; spentMinor: number }>
  openOrders(userId: string, page: { limit: number; afterId?: string }): Promise<readonly Order[]>
  /** Orders whose ProcessPayment is due: their payment step is `calling`. Oldest first. */
  awaitingPaymentCall(limit: number): Promise<readonly Order[]>
  /** How many orders made before then are on their way to being paid, counted up to `max`. */
  underWay(bounds: { madeBeforeMs: number; max: number }): Promise<number>
  /** Orders of everybody, by when they were placed. */
  sagas(page: SagaPage): Promise<readonly Order[]>
  /** How many orders there are in each status, counted up to `max`. */
  sagaTotals(max: number): Promise<ReadonlyMap<OrderStatus, number>>
  /** Keeps the newest standing of a user; an older version changes nothing. */
  setStanding(userId: string, standing: { version: number; blocked: boolean }): Promise<void>
  isBlocked(userId: string): Promise<boolean>
}

/** On their way to being paid: what is left of that is the system's own work, and takes as long as it is busy. */
export const underWayStatuses = statusesThat('open').filter((status) => !orderStatusTable[status].paid)

/** The statuses that a selection stands for. */
export const statusesOf = (selection: SagaSelection): readonly OrderStatus[] => {
  if (selection === 'all') return orderStatuses
  if (selection === 'running' || selection === 'finished')
    return orderStatuses.filter((status) => isFinal(status) === (selection === 'finished'))
  return [selection]
}

/** The greatest id of an order made at this time: ids are UUIDv7, by id is by time. */
export const lastIdOf = (madeAtMs: number): string => {
  const time = Math.max(0, Math.floor(madeAtMs)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7fff-bfff-ffffffffffff`
}

/** What both stores keep of an order. */
export interface OrderDocument {
  order: Order
  created: OrderView
  handled: string[]
  pending: StoredEvent[]
}

/** The document after a decision, or undefined when there is nothing to write: the cause was handled, or nothing decided. */
export const afterDecision = (
  before: OrderDocument,
  causeEventId: string | undefined,
  decide: Decide,
): OrderDocument | undefined => {
  if (causeEventId !== undefined && before.handled.includes(causeEventId)) return undefined
  const next = decide(before.order)
  if (!next) return undefined
  const handled = causeEventId === undefined ? before.handled : [...before.handled, causeEventId]
  return {
    order: next.order,
    created: before.created,
    handled: handled.slice(-limits.handledEventsMax),
    pending: [...before.pending, ...next.events],
  }
}

/** A store with what its process has to know of it. */
export interface OpenOrderStore {
  store: OrderStore
  notReady(): readonly string[]
  close(): Promise<void>
}
