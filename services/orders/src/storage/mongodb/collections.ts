/** The collections and their indexes. */
import type { StoryStep } from '@svyaz/contracts/http/order-story.ts'
import { type Collection, type Db, type Document, type IndexDescription, MongoServerError } from 'mongodb'
import type { OrderDocument } from '../../storage.ts'
import type { Calls } from './calls.ts'

/** One document per order; beside the common parts, what is searched by. */
export interface OrderRow extends OrderDocument {
  /** The order's id. */
  _id: string
  userId: string
  idempotencyKey: string
  bodyHash: string
  status: string
  /** Counts every write: what compare-and-set compares. */
  revision: number
  /** Present while events wait to be sent: found by equality, which every server of the protocol searches well. */
  waiting?: true
  /** Since when; present with `waiting`. */
  pendingSince?: Date
  /** Present while ProcessPayment is due. */
  calling?: true
  /** Present while the order is on its way to being paid. */
  underWay?: true
}

export interface StandingRow {
  /** The user's id. */
  _id: string
  version: number
  blocked: boolean
}

export interface ToldRow {
  /** The event's id: an event is told once. */
  _id: string
  orderId: string
  at: string
  step: StoryStep
}

export interface LeaseRow {
  /** What the lease is for. */
  _id: string
  /** The instance that has it; empty when it was given back. */
  holder: string
  /** Of the holder's process: an instance that comes back is known by its name, not taken for the one before. */
  process: string
  /** Counts up as long as the holder lives; nobody's clock is in here. */
  renewals: number
}

export interface Collections {
  orders: Collection<OrderRow>
  standings: Collection<StandingRow>
  told: Collection<ToldRow>
  leases: Collection<LeaseRow>
}

/** The collections of this service. */
export const collectionsOf = (database: Db): Collections => ({
  orders: database.collection('orders'),
  standings: database.collection('user_standing'),
  told: database.collection('order_told'),
  leases: database.collection('leases'),
})

const indexes: readonly (IndexDescription & { name: string })[] = [
  { name: 'once_per_key', key: { userId: 1, idempotencyKey: 1 }, unique: true },
  // Ids are UUIDv7: by id is by time.
  { name: 'by_user', key: { userId: 1, _id: -1 } },
  // Sparse: few orders wait at a time, and only those are in it.
  { name: 'waiting', key: { waiting: 1, pendingSince: 1 }, sparse: true },
  { name: 'calling', key: { calling: 1 }, sparse: true },
  { name: 'by_status', key: { status: 1, _id: 1 } },
  { name: 'under_way', key: { underWay: 1, _id: 1 }, sparse: true },
]

const toldIndexes: readonly (IndexDescription & { name: string })[] = [
  { name: 'by_order', key: { orderId: 1, at: 1, _id: 1 } },
]

/** Makes what is missing; run at every start. */
export const ensureIndexes = async (calls: Calls, { orders, told }: Collections): Promise<void> => {
  await ensure(calls, orders, indexes)
  await ensure(calls, told, toldIndexes)
}

const ensure = <Row extends Document>(
  { call }: Calls,
  collection: Collection<Row>,
  wanted: readonly (IndexDescription & { name: string })[],
): Promise<void> =>
  call('createIndexes', collection.collectionName, async () => {
    const rows = await collection.listIndexes().toArray().catch(noneYet)
    const present = new Set(rows.map((index) => String(index.name)))
    const missing = wanted.filter(({ name }) => !present.has(name))
    if (missing.length > 0) await collection.createIndexes(missing)
  })

/** A collection appears with its first document or index. */
const noneYet = (error: unknown): [] => {
  if (error instanceof MongoServerError && error.code === namespaceNotFound) return []
  throw error
}
const namespaceNotFound = 26
