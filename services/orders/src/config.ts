/** What may be changed at run time through the config service, this service's environment, and every limit. */
import { z } from 'zod'

export const settings = z.object({
  /** How long an order may still be changed before its stock is reserved. */
  changeWindowMs: z.int().min(0).max(600_000).default(0),
  /** How long `payment: "now"` waits for the processor before the charge is queued instead. */
  processPaymentTimeoutMs: z.int().min(100).max(30_000).default(3_000),
  /** Orders that may be on their way to being paid at once, over all instances; beyond it 503 with Retry-After. */
  ordersUnderWayMax: z.int().min(1).max(1_000_000).default(1_000),
})
export type Settings = z.output<typeof settings>

export const environment = z.object({
  /** Keeps the orders instead of PostgreSQL. A real replica set: a write counts when most of it have it on disk. */
  SVYAZ_MONGO_URL: z
    .string()
    .regex(
      /^mongodb(\+srv)?:\/\/[^/]+\/[^?]+/,
      'a MongoDB address with a database, e.g. mongodb://127.0.0.1:27017/orders',
    )
    .optional(),
})
/** The address of MongoDB, if the store is there; undefined: PostgreSQL. */
export const mongoUrl = (values: Readonly<Record<string, unknown>>): string | undefined =>
  values.SVYAZ_MONGO_URL as string | undefined

export const limits = {
  /** Compare-and-set rounds before a writer gives up as unavailable. */
  changeRoundsMax: 20,
  /** Handled event ids kept in a document; an order's life has about 30. */
  handledEventsMax: 500,
  /** Orders that are stored by one statement, when as many come at once. */
  createdTogether: 32,
  /** Of an error's words in a story. */
  reasonCharsMax: 500,
  /** How often a follower looks, when the change happened in another instance. */
  followEveryMs: 300,
  /** ProcessPayment calls that one instance has under way; further orders wait for their turn. */
  paymentCallsAtOnce: 16,
  /** How late an order is noticed whose call nobody makes: its instance was killed. */
  paymentCallsEveryMs: 5_000,
  /** How long a count of the orders under way is good for. */
  underWayCountedEveryMs: 250,
  /** What is said to those who come while too many are. */
  retryWhenFullSeconds: 2,
  blockedOrdersPerRound: 100,
  userDetailsOrdersMax: 100,
  mongo: {
    connectionsMax: 10,
    /** Until a server that takes writes is found, a connection is free, a connection is made. */
    serverSelectionMs: 3_000,
    connectionWaitMs: 3_000,
    connectMs: 3_000,
    /** Of one operation on the server. */
    operationMs: 5_000,
    socketMs: 10_000,
    heartbeatMs: 2_000,
    /** A publisher that has not renewed its lease for so long is taken over from. */
    leaseMs: 3_000,
    /** Documents whose sent events are taken out together: below `connectionsMax`, which requests need too. */
    markSentAtOnce: 4,
    /** How late an event is noticed that another instance stored; its own ones wake the publisher at once. */
    pendingEveryMs: 200,
  },
} as const
