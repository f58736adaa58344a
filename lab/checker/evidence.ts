/**
 * All that a run leaves to be judged: what clients and nemesis saw, and what was found outside the system once it was
 * quiet. Plain data, so that a saved run can be judged again without the system.
 */
import type { CommitFact, InboxFact, OrderRecord, OutboxFact, Snapshot, StockFact } from '@svyaz/observe/snapshot.ts'
import type { TopicRecord } from '@svyaz/observe/topics.ts'
import type { HistoryEntry } from './history.ts'

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

/** A record as it is judged; nothing for the marks of what was sent back, which are beside the dead letters. */
export function logRecords({ topic, partition, offset, key, id, type, headers, data }: TopicRecord): LogRecord[] {
  const place = { topic, partition, offset, key, eventId: id, type }
  if (!topic.endsWith('.dlq')) return [{ ...place, data }]
  if (headers.svyaz_replayed_at !== undefined) return []
  return [{ ...place, consumer: headers.svyaz_consumer ?? '', data: { error: headers.svyaz_error ?? '' } }]
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
  /** Parts of the log that the checker's own reader did not get, a line for each partition. */
  readonly unread: readonly string[]
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
