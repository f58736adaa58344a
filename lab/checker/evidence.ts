/**
 * All that a run leaves to be judged: what clients and nemesis saw, and what was found outside the system once it was
 * quiet. Plain data, so that a saved run can be judged again without the system.
 */
import type { StoryCode } from '@svyaz/contracts/http/order-story.ts'
import type { HistoryEntry } from './history.ts'
import type { Snapshot, StockFact } from './snapshot.ts'

/** A record of any topic, as the reader of every partition saw it. */
export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** ce_id; empty for what is not an event. */
  readonly eventId: string
  readonly type: string
  /** The consumer that a dead letter names. */
  readonly consumer?: string
  // biome-ignore lint/suspicious/noExplicitAny: each topic carries its own events
  readonly data: any
}

/** An event that a service's outbox has, in the order of its commits per key. */
export interface OutboxFact {
  readonly service: string
  readonly position: number
  readonly eventId: string
  readonly topic: string
  readonly key: string
  readonly sent: boolean
}

export interface InboxFact {
  /** Whose database. */
  readonly service: string
  readonly consumer: string
  readonly eventId: string
  readonly state: string
}

/** What orders keeps in a document beside the order. */
export interface OrderRecord {
  readonly orderId: string
  readonly handled: readonly string[]
  readonly story: readonly { readonly code: StoryCode; readonly eventId?: string }[]
}

export interface CommitFact {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** −1: never committed. */
  readonly committed: number
  /** The end of the partition. */
  readonly end: number
}

/** What became of one fault of the nemesis. */
export interface FaultFact {
  readonly name: string
  readonly target: string
  /** Whether it visibly happened. */
  readonly fired: boolean
  /** Orders not yet in a final state when it was injected. */
  readonly ordersInFlight: number
  /** From the fault until the target was ready again; undefined when it did not come back. */
  readonly recoveryMs?: number
  readonly note?: string
}

export interface Evidence {
  readonly seed: number
  readonly history: readonly HistoryEntry[]
  readonly faults: readonly FaultFact[]
  /** What was still unfinished when patience ended, each with its story; empty = quiet. */
  readonly stuck: readonly string[]
  readonly snapshot: Snapshot
  /** Stock in each snapshot taken during the run. */
  readonly stockDuringRun: readonly (readonly StockFact[])[]
  readonly log: readonly LogRecord[]
  /** Places of the log that were read twice with different contents. */
  readonly changedPlaces: readonly string[]
  readonly outbox: readonly OutboxFact[]
  readonly inbox: readonly InboxFact[]
  readonly orders: readonly OrderRecord[]
  readonly commits: readonly CommitFact[]
  /** Event id of every frame and mail row of notifications. */
  readonly frames: readonly { readonly userId: string; readonly cursor: number; readonly eventId: string }[]
  readonly mailEventIds: readonly string[]
  /** Records that the nemesis wrote to be refused: event ids. */
  readonly poison: readonly string[]
  readonly counters: Counters
  readonly load: LoadFact
}

export interface LoadFact {
  /** Orders per second that the load was to place. */
  readonly asked: number
  /** Orders that it placed, the first of their tries each. */
  readonly placed: number
  readonly seconds: number
}

/** Sums over all processes of the run, as far as their logs and tables tell. */
export interface Counters {
  readonly staleResultsRefused: number
  readonly mailsTwice: number
  readonly idempotentReplays: number
  readonly recordsTwice: number
}
