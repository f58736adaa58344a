/** What may be changed at run time through the config service, and every limit of the graph. */
import { z } from 'zod'

export const settings = z.object({
  /** `registered`: only the documents of `contracts/graphql/operations`, by their hash or as they are. */
  documents: z.enum(['any', 'registered']).default('any'),
  /** Fields within fields; the deepest chain of a document. */
  depthMax: z.int().min(1).max(50).default(12),
  /** Fields of a document with its fragments spread: its breadth. */
  fieldsMax: z.int().min(1).max(10_000).default(300),
  aliasesMax: z.int().min(0).max(1_000).default(30),
  /** Fields of the query itself: each is a call of its own to a service. */
  rootFieldsMax: z.int().min(1).max(1_000).default(10),
  /** Fields times how often each may come in an answer (measure.ts). */
  costMax: z.int().min(1).max(1_000_000).default(5_000),
})
export type Settings = z.output<typeof settings>

/** Every bound that is not a setting, in one place. */
export const limits = {
  /** Of a client's document: parsing ends there. */
  tokensMax: 2_000,
  validationErrorsMax: 10,
  /** Items of a list that says nothing of its length, in the count of the cost. */
  listItemsAssumed: 5,
  /** Documents that are kept parsed and checked. */
  documentsMax: 500,
  /** Documents that clients registered by sending them with their hash; the one asked for longest ago goes first. */
  persistedMax: 500,
  subgraphTimeoutMs: 4_000,
  subscriptions: {
    atOnceMax: 1_000,
    perUserMax: 40,
    perSocketMax: 20,
    /** Over HTTP nothing ends a stream when its user is blocked or signs out: the client asks again, with its token. */
    eventStreamMs: 60_000,
    heartbeatMs: 10_000,
  },
  connectionInitMs: 5_000,
} as const
